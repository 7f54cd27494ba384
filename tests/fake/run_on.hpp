// A coroutine's answer, with the test's own thread running the context until it is there.
//
// Thread: the one that runs the context alone; nothing waits, so a test needs no sleep.
#pragma once

#include <chrono>
#include <future>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "tests/unit/spawn.hpp"

namespace spot::fake {

template <class T>
T run_on(boost::asio::io_context& context, std::future<T> result) {
  while (result.wait_for(std::chrono::seconds{0}) != std::future_status::ready) {
    context.restart();
    context.run_one();
  }
  return result.get();
}

template <class T>
T run_on(boost::asio::io_context& context, boost::asio::awaitable<T> work) {
  return run_on(context, spot::test::spawn(context, std::move(work)));
}

}  // namespace spot::fake
