// Which operations a snapshot has in it: of each run all up to a stamp.
//
// Thread: values. Source: files.md, "State" (keys r).
#pragma once

#include <algorithm>
#include <map>

#include "fs/index/stamp.hpp"

namespace spotfs {

class Included {
 public:
  bool has(const Stamp& stamp) const noexcept {
    const auto run = last_.find(stamp.run());
    return run != last_.end() && stamp <= run->second;
  }
  // This one, and all of its run before it.
  void add(const Stamp& stamp) {
    Stamp& last = last_[stamp.run()];
    last = std::max(last, stamp);
  }
  bool knows(const RunPrefix& run) const noexcept { return last_.contains(run); }
  Stamp latest() const noexcept {
    Stamp out;
    for (const auto& [run, stamp] : last_) out = std::max(out, stamp);
    return out;
  }
  const std::map<RunPrefix, Stamp>& runs() const noexcept { return last_; }
  bool operator==(const Included&) const = default;

 private:
  std::map<RunPrefix, Stamp> last_;
};

}  // namespace spotfs
