#include "fs/fuse/call.hpp"

#include <algorithm>
#include <cerrno>
#include <new>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/system/system_error.hpp>

#include "fs/tree/interrupt.hpp"

namespace spotfs::fuse {
namespace {

// What a release waits for has deadlines, and what it stores may be the only copy.
bool cancellable(Op op) noexcept { return op != Op::release; }

constexpr std::chrono::milliseconds kLookAgain{50};  // at a caller who may be killed

struct Reason {
  int number = EIO;
  std::string text = "unknown exception";  // empty: nothing to be logged
};

Reason reason_of(const std::exception_ptr& failed) {
  try {
    std::rethrow_exception(failed);
  } catch (const std::bad_alloc&) {
    return {ENOMEM, "out of memory"};
  } catch (const boost::system::system_error& e) {
    const int number = spot::to_errno(e.code());
    return {number, number == ECANCELED ? std::string{} : e.what()};
  } catch (const std::system_error& e) {
    return {spot::to_errno(e.code()), e.what()};
  } catch (const std::exception& e) {
    return {EIO, e.what()};
  } catch (...) {
    return {};
  }
}

}  // namespace

Call::Call(Core& core, Op op, Request request) noexcept
    : InlineStrand{core.io.get_executor()},
      core_{core},
      op_{op},
      request_{std::move(request)},
      caller_{request_.caller()} {}

void Call::run(asio::awaitable<void> body) {
  begin(
      [&] {
        auto self = std::static_pointer_cast<Call>(shared_from_this());
        asio::co_spawn(
            asio::any_io_executor{executor()}, std::move(body),
            asio::bind_cancellation_slot(signal_.slot(),
                                         [self = std::move(self)](const std::exception_ptr& e) { self->finished(e); }));
      },
      [this] { settled(); });
}

// Nothing has run of it on another thread until now.
void Call::settled() {
  if (finished_) return let_go();
  waiting_ = true;
  core_.waiting.add(std::static_pointer_cast<Call>(shared_from_this()));
  if (cancellable(op_) && !request_.answered()) request_.watch(&Call::interrupted, this);
}

void Call::interrupted(fuse_req_t, void* call) { static_cast<Call*>(call)->interrupt(); }

void Call::interrupt() noexcept try {
  const auto self = std::static_pointer_cast<Call>(weak_from_this().lock());
  if (!self) return;
  executor().require(asio::execution::blocking.never).execute([self] {
    if (self->finished_ || self->look_again_) return;
    self->look_again_.emplace(self->core_.io);
    self->heed_signals(self->core_.interrupt_patience);
  });
} catch (const std::bad_alloc&) {
  core_.say(name_of(op_), "out of memory: not interrupted");
}

// The kernel tells once that there is a signal, be it one that means nothing to the caller: what it has then, and
// later, is seen by looking.
void Call::heed_signals(std::chrono::milliseconds patience) {
  const Signals signals = core_.pending_signals(caller_.tid).value_or(Signals::fatal);
  if (signalled_) {
    if (signals == Signals::fatal) patience = {};
  } else if (signals != Signals::none) {
    signalled_ = true;
    if (cancelled_ == 0) signal_.emit(kSignalled);
    if (finished_) return;
  }
  if (signalled_ && patience <= std::chrono::milliseconds{0}) return cancel(EINTR);
  const std::chrono::milliseconds pause = signalled_ ? std::min(patience, kLookAgain) : kLookAgain;
  look_again_->expires_after(pause);
  look_again_->async_wait(
      asio::bind_executor(asio::any_io_executor{executor()},
                          [self = std::static_pointer_cast<Call>(shared_from_this()),
                           rest = signalled_ ? patience - pause : patience](const boost::system::error_code& stopped) {
                            if (!stopped && !self->finished_) self->heed_signals(rest);
                          }));
}

void Call::cancel(int number) noexcept try {
  if (!cancellable(op_)) return;
  const auto self = std::static_pointer_cast<Call>(weak_from_this().lock());
  if (!self) return;
  executor().require(asio::execution::blocking.never).execute([self, number] {
    if (self->finished_) return;
    if (self->cancelled_ == 0) self->cancelled_ = number;
    self->signal_.emit(asio::cancellation_type::all);
  });
} catch (const std::bad_alloc&) {
  core_.say(name_of(op_), "out of memory: not cancelled");
}

void Call::fail(std::error_code error) noexcept { fail(spot::to_errno(error)); }

void Call::fail(int number) noexcept {
  if (number == ECANCELED) number = EINTR;
  if (number == EINTR && cancelled_ != 0) number = cancelled_;
  request_.fail(number);
}

void Call::finished(const std::exception_ptr& failed) noexcept {
  finished_ = true;
  look_again_.reset();
  if (failed) {
    const Reason reason = reason_of(failed);
    if (!request_.answered()) fail(reason.number);
    if (!reason.text.empty()) core_.say(name_of(op_), reason.text);
  }
  if (!waiting_) return;  // settled() comes next
  const auto self = std::static_pointer_cast<Call>(shared_from_this());
  core_.waiting.remove(self);
  try {
    executor().require(asio::execution::blocking.never).execute([self] { self->let_go(); });
  } catch (const std::bad_alloc&) {
    core_.say(name_of(op_), "out of memory: a finished request is kept");
  }
}

// What co_spawn() put into the slot has our executor, and so keeps us. Not from within the coroutine, which may use it
// until it returns.
void Call::let_go() noexcept { signal_.slot().clear(); }

}  // namespace spotfs::fuse
