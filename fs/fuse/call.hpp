// A request on its way through the nodes: one coroutine, started on the reader's thread, cancellable by the kernel and
// by the end of the mount.
//
// Thread: any; the coroutine and the cancellation run on the strand that a call is. Lifetime: shared, kept by its
// coroutine.
#pragma once

#include <exception>
#include <memory>
#include <optional>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>

#include "client/net/inline_strand.hpp"
#include "fs/fuse/core.hpp"
#include "fs/fuse/request.hpp"

namespace spotfs::fuse {

class Call final : public spot::InlineStrand {
 public:
  Call(Core& core, Op op, Request request) noexcept;

  Core& core() const noexcept { return core_; }
  const Caller& caller() const noexcept { return caller_; }
  Request& request() noexcept { return request_; }

  // Runs `body` on this thread up to its first wait; it answers the request. Once.
  void run(asio::awaitable<void> body);
  // Ends the wait that is in progress; `number` is what is answered if that is why it fails. Any thread.
  void cancel(int number) noexcept;
  // Cancels it with EINTR once the caller has a signal that means something to it (signals.hpp): what says that it ends
  // at once (interrupt.hpp) so; else, unless it ends by itself before, after the patience of the mount, within 50 ms
  // where the caller is being killed. Any thread.
  void interrupt() noexcept;
  // Answers with the error, or with what cancelled the call.
  void fail(std::error_code error) noexcept;
  void fail(int number) noexcept;

 private:
  void settled();
  void finished(const std::exception_ptr& failed) noexcept;
  void let_go() noexcept;
  void heed_signals(std::chrono::milliseconds patience);
  static void interrupted(fuse_req_t request, void* call);

  Core& core_;
  const Op op_;
  Request request_;
  const Caller caller_;
  asio::cancellation_signal signal_;
  std::optional<asio::steady_timer> look_again_;  // at the signals; from the first interrupt to the end
  bool signalled_ = false;                        // the call knows of a signal
  int cancelled_ = 0;                             // errno
  bool finished_ = false;
  bool waiting_ = false;
};

using CallPtr = std::shared_ptr<Call>;

}  // namespace spotfs::fuse
