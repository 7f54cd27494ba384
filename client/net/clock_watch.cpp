#include "client/net/clock_watch.hpp"

#include <cerrno>
#include <ctime>
#include <limits>

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <sys/timerfd.h>
#include <unistd.h>

namespace spot {
namespace {

bool arm(int timer) noexcept {
  itimerspec never{};
  never.it_value.tv_sec = std::numeric_limits<time_t>::max();
  // Cancelled already: it is armed all the same.
  return ::timerfd_settime(timer, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, nullptr) == 0 ||
         errno == ECANCELED;
}

}  // namespace

std::shared_ptr<ClockWatch> ClockWatch::make(asio::any_io_executor executor, std::function<void()> jumped) {
  Descriptor timer{::timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC)};
  if (!timer || !arm(timer.get())) return nullptr;
  return std::make_shared<ClockWatch>(std::move(executor), std::move(timer), std::move(jumped));
}

ClockWatch::ClockWatch(asio::any_io_executor executor, Descriptor timer, std::function<void()> jumped)
    : strand_{asio::make_strand(executor)}, timer_{strand_, timer.release()}, jumped_{std::move(jumped)} {}

void ClockWatch::start() {
  asio::dispatch(strand_, [self = shared_from_this()] { self->wait(); });
}

void ClockWatch::stop() {
  asio::post(strand_, [self = shared_from_this()] {
    boost::system::error_code ignored;
    self->timer_.close(ignored);
  });
}

void ClockWatch::wait() {
  if (!timer_.is_open()) return;
  timer_.async_wait(asio::posix::stream_descriptor::wait_read,
                    [self = shared_from_this()](const boost::system::error_code& ec) {
                      if (!ec && self->timer_.is_open()) self->take();
                    });
}

void ClockWatch::take() {
  std::uint64_t count = 0;
  const bool was_read = ::read(timer_.native_handle(), &count, sizeof count) > 0 || errno == ECANCELED;
  if (!was_read && errno != EAGAIN && errno != EINTR) return;
  arm(timer_.native_handle());  // before jumped(): a jump in between is part of this one
  if (was_read) jumped_();
  wait();
}

}  // namespace spot
