// What was stored since the store last said that all is on its disk, and under which of its runs: keys in the order of
// their stores, with their bottles while they fit in memory.
//
// A run is one life of a relay's process. What was stored while a run was known is still there if a sync is answered by
// no other run, and on the disk then; of all else nobody can say. So each new run that shows makes what was stored
// until then unsure.
//
// Thread: one at a time. Memory: `memory` bytes of bottles, and about 200 for each key.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "client/base/bytes.hpp"
#include "client/crypto/hash.hpp"

namespace spotfs {

class Unsynced {
 public:
  using Bottle = std::shared_ptr<const spot::Bytes>;
  struct Stored {
    std::string key;
    Bottle bottle;            // null: it took too much memory
    spot::Sha256 hash{};      // where there is no bottle
    std::uint64_t epoch = 0;  // when its store began
    bool is(spot::BytesView bytes) const;
  };

  explicit Unsynced(std::size_t memory) : memory_{memory} {}

  // The runs that answered a sync. True: one of them was not known.
  bool see(const std::vector<spot::Bytes>& runs);
  bool knows_runs() const noexcept { return !runs_.empty(); }
  // Counts the times that a run was new.
  std::uint64_t epoch() const noexcept { return epoch_; }
  // Number of the last store.
  std::uint64_t last() const noexcept { return last_; }

  // It is in the store; `epoch` when that began.
  void add(const std::string& key, Bottle bottle, std::uint64_t epoch);
  void remove(const std::string& key);
  // All stores up to this number are on the disk, unless they are unsure.
  void synced(std::uint64_t until);

  bool is_any_unsure() const noexcept;
  std::vector<Stored> unsure() const;
  // It is in the store, asked for or stored again by the runs of that epoch.
  void confirm(const std::string& key, std::uint64_t epoch);
  void lose(const std::string& key);
  bool is_lost(const std::string& key) const { return lost_.contains(key); }
  const std::set<std::string>& lost() const noexcept { return lost_; }

  std::size_t count() const noexcept { return numbers_.size(); }
  std::size_t bytes() const noexcept { return bytes_; }  // of bottles

 private:
  void drop_bottles();

  const std::size_t memory_;
  std::deque<spot::Bytes> runs_;  // the newest last
  std::uint64_t epoch_ = 0, last_ = 0;
  std::map<std::uint64_t, Stored> stored_;        // by number
  std::map<std::string, std::uint64_t> numbers_;  // of keys
  std::uint64_t first_with_bottle_ = 0;           // no content and no value before it has one
  std::size_t bytes_ = 0;
  std::set<std::string> lost_;
};

}  // namespace spotfs
