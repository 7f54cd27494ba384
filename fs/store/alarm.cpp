#include "fs/store/alarm.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace spotfs {

namespace {

constexpr std::chrono::nanoseconds kLongest = std::chrono::hours{24};  // keeps now + limit in range

class TimerAlarm final : public Alarm, public std::enable_shared_from_this<TimerAlarm> {
 public:
  explicit TimerAlarm(asio::any_io_executor executor) : timer_{executor} {}

  asio::awaitable<void> wait(std::chrono::nanoseconds limit) override {
    if (!awake_) {
      timer_.expires_after(std::clamp(limit, std::chrono::nanoseconds{0}, kLongest));
      co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
    }
    awake_ = false;
  }

  void wake() override {
    asio::post(timer_.get_executor(), [self = shared_from_this()] {
      self->awake_ = true;
      self->timer_.cancel();
    });
  }

 private:
  asio::steady_timer timer_;
  bool awake_ = false;
};

}  // namespace

std::shared_ptr<Alarm> make_alarm(asio::any_io_executor executor) {
  return std::make_shared<TimerAlarm>(std::move(executor));
}

}  // namespace spotfs
