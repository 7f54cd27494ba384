// Tells when the wall clock has jumped: the machine slept, and its timers stood still meanwhile, or someone set the
// clock, as they do for a virtual machine that was stopped.
//
// A timer that never expires, and that the kernel cancels with the jump: nothing wakes until then.
//
// Thread: start() and stop() from any; `jumped` is called on a strand of its own. Lifetime: held from start() to
// stop(). Source: timerfd_create(2), TFD_TIMER_CANCEL_ON_SET.
#pragma once

#include <functional>
#include <memory>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/strand.hpp>

#include "client/base/descriptor.hpp"

namespace spot {

namespace asio = boost::asio;

class ClockWatch : public std::enable_shared_from_this<ClockWatch> {
 public:
  // Null where the kernel has no such timer.
  static std::shared_ptr<ClockWatch> make(asio::any_io_executor executor, std::function<void()> jumped);
  // `timer`: becomes readable with each jump. Not blocking.
  ClockWatch(asio::any_io_executor executor, Descriptor timer, std::function<void()> jumped);

  void start();
  void stop();

 private:
  void wait();
  void take();

  const asio::strand<asio::any_io_executor> strand_;
  asio::posix::stream_descriptor timer_;  // on the strand
  const std::function<void()> jumped_;
};

}  // namespace spot
