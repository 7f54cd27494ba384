#include "client/net/batch.hpp"

#include <utility>

namespace spot {

std::vector<Bytes> take_batch(std::deque<Bytes>& waiting) {
  std::vector<Bytes> batch;
  std::size_t size = 0;
  while (!waiting.empty()) {
    size += waiting.front().size();
    if (!batch.empty() && size > kBatchSize) break;
    batch.push_back(std::move(waiting.front()));
    waiting.pop_front();
  }
  return batch;
}

}  // namespace spot
