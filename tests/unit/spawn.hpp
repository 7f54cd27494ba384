// A coroutine's answer as a future, as co_spawn() with use_future gives it: that is compiled anew for every type, which
// took most of the time of compiling tests; this is not.
//
// Thread: the coroutine runs on the executor. What it throws, the future throws. Lifetime: when the future is ready,
// the coroutine is gone, and `slot` is not used any more.
#pragma once

#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>

namespace spot::test {

namespace asio = boost::asio;

void start(const asio::any_io_executor& executor, asio::awaitable<void> work, asio::cancellation_slot slot,
           std::function<void(std::exception_ptr thrown)> done);

template <class T>
asio::awaitable<void> keep(asio::awaitable<T> work, std::shared_ptr<std::optional<T>> answer) {
  answer->emplace(co_await std::move(work));
}

template <class T>
std::future<T> spawn(const asio::any_io_executor& executor, asio::awaitable<T> work,
                     asio::cancellation_slot slot = {}) {
  const auto promise = std::make_shared<std::promise<T>>();
  std::future<T> out = promise->get_future();
  if constexpr (std::is_void_v<T>) {
    start(executor, std::move(work), slot, [promise](const std::exception_ptr& thrown) {
      if (thrown) {
        promise->set_exception(thrown);
      } else {
        promise->set_value();
      }
    });
  } else {
    const auto answer = std::make_shared<std::optional<T>>();
    start(executor, keep(std::move(work), answer), slot, [promise, answer](const std::exception_ptr& thrown) {
      if (thrown) {
        promise->set_exception(thrown);
      } else {
        promise->set_value(*std::move(*answer));
      }
    });
  }
  return out;
}

template <class T>
std::future<T> spawn(asio::io_context& context, asio::awaitable<T> work, asio::cancellation_slot slot = {}) {
  return spawn(asio::any_io_executor{context.get_executor()}, std::move(work), slot);
}

}  // namespace spot::test
