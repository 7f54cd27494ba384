#include "mount/relay/bounds.hpp"

#include <algorithm>

namespace spot::relay {

Rate::Rate(std::int64_t per_second, std::int64_t burst) noexcept
    : per_second_{per_second}, burst_{burst}, tokens_{static_cast<double>(burst)} {}

bool Rate::take(Clock::Steady now) noexcept {
  if (per_second_ == 0) return true;
  const std::chrono::duration<double> passed = now - last_;
  last_ = now;
  tokens_ = std::min(static_cast<double>(burst_), tokens_ + passed.count() * static_cast<double>(per_second_));
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

void RecentIds::add(const Uuid& id, Clock::Steady now) {
  expire(now);
  if (order_.size() >= limit_) {
    ids_.erase(ids_.find(order_.front().second));
    order_.pop_front();
  }
  order_.emplace_back(now, id);
  ids_.insert(id);
}

bool RecentIds::contains(const Uuid& id, Clock::Steady now) {
  expire(now);
  return ids_.contains(id);
}

void RecentIds::expire(Clock::Steady now) {
  while (!order_.empty() && now - order_.front().first > lifetime_) {
    ids_.erase(ids_.find(order_.front().second));
    order_.pop_front();
  }
}

}  // namespace spot::relay
