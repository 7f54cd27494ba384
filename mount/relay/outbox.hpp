// Packets that wait to be sent over one connection, by whoever drains it.
//
// Thread: any.
#pragma once

#include <deque>
#include <limits>
#include <vector>

#include "client/base/bytes.hpp"
#include "client/base/sync.hpp"

namespace spot::relay {

class Outbox {
 public:
  enum class Push { waits, first, full, closed };

  static constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();

  // `first`: nobody drains it, so the caller must see to that. `full`: more than `limit` bytes would wait.
  Push push(Bytes packet, std::size_t limit);
  // What is to be sent together. Nothing left: whoever drained it stops, and the next push is `first`.
  std::vector<Bytes> next();
  void close();  // drops what waits
  std::size_t waiting_bytes() const;

 private:
  struct State {
    std::deque<Bytes> packets;
    std::size_t bytes = 0;
    bool draining = false;
    bool closed = false;
  };
  Synchronized<State> state_;
};

}  // namespace spot::relay
