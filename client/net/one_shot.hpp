// A value that one coroutine waits for and any thread gives: the reply to a query, a change of state.
//
// Thread: give() and expire() from any thread; wait() once, on any executor, on which it resumes. The first value
// stands; a deadline gives timed_out and Asio's cancellation cancelled, as values.
// T is a Result or an Answer. Lifetime: shared by the waiter and whoever gives.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/defer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "client/base/result.hpp"
#include "client/net/deadline.hpp"

namespace spot {

template <class T>
class OneShot final : public DeadlineQueue::Expiring {
 public:
  using Pointer = std::shared_ptr<OneShot>;

  // False: it has a value already.
  bool give(T value) {
    std::unique_ptr<Waiter> waiter;
    const bool first = state_.with([&](State& state) {
      if (state.given) return false;
      state.given = true;
      if (state.waiter) {
        waiter = std::move(state.waiter);
      } else {
        state.value.emplace(std::move(value));
      }
      return true;
    });
    if (waiter) waiter->resume(std::move(value));
    return first;
  }

  void expire() override { give(T{make_error_code(Errc::timed_out)}); }

  static asio::awaitable<T> wait(Pointer self, std::shared_ptr<DeadlineQueue> queue,
                                 DeadlineQueue::TimePoint deadline) {
    std::optional<T> early = self->take_early();
    if (early) co_return std::move(*early);
    const auto entry = queue->add(deadline, self);
    co_return co_await wait(self);
  }

  static asio::awaitable<T> wait(Pointer self) {
    return asio::async_initiate<const asio::use_awaitable_t<>&, void(T)>(
        [](auto handler, Pointer shot) { shot->start(std::move(handler), shot); }, asio::use_awaitable,
        std::move(self));
  }

 private:
  class Waiter {
   public:
    virtual ~Waiter() = default;
    virtual void resume(T value) = 0;
  };

  template <class Handler>
  class HandlerWaiter final : public Waiter {
   public:
    explicit HandlerWaiter(Handler handler) : handler_{std::move(handler)}, work_{asio::make_work_guard(handler_)} {}
    void resume(T value) override {
      const auto executor = work_.get_executor();
      asio::defer(executor, [handler = std::move(handler_), value = std::move(value)]() mutable {
        std::move(handler)(std::move(value));
      });
    }

   private:
    Handler handler_;
    asio::executor_work_guard<asio::associated_executor_t<Handler>> work_;
  };

  struct State {
    bool given = false;
    std::optional<T> value;  // given before anyone waited
    std::unique_ptr<Waiter> waiter;
  };

  std::optional<T> take_early() {
    return state_.with([](State& state) { return std::exchange(state.value, std::nullopt); });
  }

  template <class Handler>
  void start(Handler handler, const Pointer& self) {
    auto slot = asio::get_associated_cancellation_slot(handler);
    if (slot.is_connected()) {
      slot.assign([weak = std::weak_ptr{self}](asio::cancellation_type_t) {
        if (const auto shot = weak.lock()) shot->give(T{make_error_code(Errc::cancelled)});
      });
    }
    auto waiter = std::make_unique<HandlerWaiter<Handler>>(std::move(handler));
    std::optional<T> early = state_.with([&](State& state) {
      if (!state.value) state.waiter = std::move(waiter);
      return std::exchange(state.value, std::nullopt);
    });
    if (early) waiter->resume(std::move(*early));
  }

  Synchronized<State> state_;
};

}  // namespace spot
