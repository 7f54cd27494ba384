// A wait that others can end, and that a test can control.
//
// Thread: wait() runs on the executor that the alarm was made for, one at a time; wake() may be called from any thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

namespace spotfs {

namespace asio = boost::asio;

class Alarm {
 public:
  virtual ~Alarm() = default;
  // Returns after `limit`, or when wake() was called since the last wait returned.
  virtual asio::awaitable<void> wait(std::chrono::nanoseconds limit) = 0;
  virtual void wake() = 0;
};

// `executor` must run one handler at a time: a strand.
using AlarmFactory = std::function<std::shared_ptr<Alarm>(asio::any_io_executor executor)>;

std::shared_ptr<Alarm> make_alarm(asio::any_io_executor executor);

}  // namespace spotfs
