// Something that several coroutines wait for, and that happens once.
//
// Thread: any. Lifetime: who is to set it owns it; those who wait do not, so that they go with it where a loop ends
// with work under way. Errors: cancelled.
#pragma once

#include <memory>
#include <vector>

#include "client/base/sync.hpp"
#include "client/net/one_shot.hpp"

namespace spot {

namespace asio = boost::asio;

class Event {
 public:
  void set() {
    std::vector<Shot::Pointer> waiting = state_.with([](State& state) {
      state.set = true;
      return std::exchange(state.waiting, {});
    });
    for (const auto& shot : waiting) shot->give(Result<void>{});
  }
  bool is_set() const {
    return state_.with([](const State& state) { return state.set; });
  }

  static asio::awaitable<Result<void>> wait(std::shared_ptr<Event> event) {
    auto shot = std::make_shared<Shot>();
    const bool set = event->state_.with([&](State& state) {
      if (!state.set) state.waiting.push_back(shot);
      return state.set;
    });
    if (set) co_return Result<void>{};
    event.reset();
    co_return co_await Shot::wait(std::move(shot));
  }

 private:
  using Shot = OneShot<Result<void>>;
  struct State {
    bool set = false;
    std::vector<Shot::Pointer> waiting;
  };
  Synchronized<State> state_;
};

}  // namespace spot
