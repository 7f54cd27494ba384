#include "client/proto/replay.hpp"

namespace spot {

bool ReplayCache::remember(const Sha256& digest) {
  if (!seen_.insert(digest).second) return false;
  if (order_.size() < capacity_) {
    order_.push_back(digest);
    return true;
  }
  seen_.erase(order_[oldest_]);
  order_[oldest_] = digest;
  oldest_ = (oldest_ + 1) % capacity_;
  return true;
}

}  // namespace spot
