// Two bounds on what one connection may do: a rate, and a memory of the messages that it sent.
//
// Thread: values, used by one thread at a time. The time is the caller's (Clock::steady).
#pragma once

#include <deque>
#include <set>

#include "client/base/clock.hpp"
#include "client/crypto/hash.hpp"

namespace spot::relay {

// A token bucket: so many a second, and so many at once.
class Rate {
 public:
  Rate(std::int64_t per_second, std::int64_t burst) noexcept;  // per_second 0: no limit
  bool take(Clock::Steady now) noexcept;

 private:
  const std::int64_t per_second_;
  const std::int64_t burst_;
  double tokens_;
  Clock::Steady last_{};
};

// The ids of the last messages, at most so many and not older than that.
class RecentIds {
 public:
  RecentIds(std::size_t limit, Clock::Steady lifetime) noexcept : limit_{limit}, lifetime_{lifetime} {}
  void add(const Uuid& id, Clock::Steady now);
  bool contains(const Uuid& id, Clock::Steady now);

 private:
  void expire(Clock::Steady now);

  const std::size_t limit_;
  const Clock::Steady lifetime_;
  std::deque<std::pair<Clock::Steady, Uuid>> order_;
  std::multiset<Uuid> ids_;
};

}  // namespace spot::relay
