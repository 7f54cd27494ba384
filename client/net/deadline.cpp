#include "client/net/deadline.hpp"

#include <utility>
#include <vector>

#include <boost/asio/post.hpp>

namespace spot {

DeadlineQueue::Entry::Entry(Entry&& other) noexcept : queue_{std::move(other.queue_)}, at_{other.at_} {}

DeadlineQueue::Entry& DeadlineQueue::Entry::operator=(Entry&& other) noexcept {
  cancel();
  queue_ = std::move(other.queue_);
  at_ = other.at_;
  return *this;
}

void DeadlineQueue::Entry::cancel() noexcept {
  if (const auto queue = std::exchange(queue_, nullptr)) {
    queue->state_.with([&](State& state) { state.entries.erase(at_); });
  }
}

DeadlineQueue::DeadlineQueue(asio::any_io_executor executor) : strand_{asio::make_strand(executor)}, timer_{strand_} {}

DeadlineQueue::Entry DeadlineQueue::add(TimePoint when, std::weak_ptr<Expiring> what) {
  Entry entry;
  entry.queue_ = shared_from_this();
  const bool sooner = state_.with([&](State& state) {
    entry.at_ = state.entries.emplace(when, std::move(what));
    if (when >= state.armed || state.closed) return false;
    state.armed = when;
    return true;
  });
  if (sooner) arm(when);
  return entry;
}

void DeadlineQueue::close() {
  state_.with([](State& state) { state.closed = true; });
  asio::post(strand_, [self = shared_from_this()] { self->timer_.cancel(); });
}

void DeadlineQueue::arm(TimePoint when) {
  asio::post(strand_, [self = shared_from_this(), when] {
    if (self->state_.with([&](State& state) { return state.closed || state.armed != when; })) return;
    self->timer_.expires_at(when);
    self->timer_.async_wait([weak = self->weak_from_this()](boost::system::error_code ec) {
      const auto queue = weak.lock();
      if (queue && !ec) queue->expire_due();
    });
  });
}

void DeadlineQueue::expire_due() {
  std::vector<std::shared_ptr<Expiring>> due;
  const TimePoint next = state_.with([&](State& state) {
    const auto now = std::chrono::steady_clock::now();
    // Entries stay until their owners take them out: `at` never dangles.
    auto at = state.entries.begin();
    for (; at != state.entries.end() && at->first <= now; ++at) {
      if (auto what = std::exchange(at->second, {}).lock()) due.push_back(std::move(what));
    }
    state.armed = at == state.entries.end() ? TimePoint::max() : at->first;
    return state.armed;
  });
  for (const auto& what : due) what->expire();
  if (next != TimePoint::max()) arm(next);
}

}  // namespace spot
