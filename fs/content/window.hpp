// How many may be under way at once: the others wait, first come, first served.
//
// Thread: any. Lifetime: shared by those who wait and who are under way. Errors: cancelled.
#pragma once

#include <deque>
#include <memory>

#include "client/base/sync.hpp"
#include "client/net/one_shot.hpp"

namespace spotfs {

class Window : public std::enable_shared_from_this<Window> {
 public:
  explicit Window(std::size_t size) : state_{size} {}

  // A place, until it is destroyed.
  class Place {
   public:
    explicit Place(std::shared_ptr<Window> window) : window_{std::move(window)} {}
    Place(Place&&) = default;
    Place& operator=(Place&&) = delete;
    ~Place() {
      if (window_) window_->leave();
    }

   private:
    std::shared_ptr<Window> window_;
  };

  boost::asio::awaitable<spot::Result<Place>> enter() {
    auto shot = std::make_shared<Shot>();
    const bool free = state_.with([&](State& state) {
      if (state.free != 0) return --state.free, true;
      state.waiting.push_back(shot);
      return false;
    });
    if (!free) {
      const spot::Result<void> given = co_await Shot::wait(std::move(shot));
      if (!given) co_return given.error();
    }
    co_return Place{shared_from_this()};
  }

 private:
  using Shot = spot::OneShot<spot::Result<void>>;
  struct State {
    explicit State(std::size_t size) : free{size} {}
    std::size_t free;
    std::deque<Shot::Pointer> waiting;
  };

  void leave() {
    for (;;) {
      const Shot::Pointer next = state_.with([](State& state) -> Shot::Pointer {
        if (state.waiting.empty()) {
          ++state.free;
          return nullptr;
        }
        Shot::Pointer first = std::move(state.waiting.front());
        state.waiting.pop_front();
        return first;
      });
      if (!next || next->give(spot::Result<void>{})) return;  // one that was cancelled has its answer
    }
  }

  spot::Synchronized<State> state_;
};

}  // namespace spotfs
