// Private slots: `mkdir E/x` gives a script a request, reply and error of its own, until its rmdir.
//
// Thread: any. Lifetime: values; the hub's. Errors: EEXIST, ENOENT, EACCES for another's, quota_exceeded beyond
// kMostOfUser. Memory: a few hundred bytes for each.
#pragma once

#include <map>
#include <set>
#include <string>

#include "client/base/sync.hpp"
#include "fs/tree/attributes.hpp"

namespace spotfs::tree {

struct Slot {
  std::uint64_t number = 0;  // never given twice
  uid_t owner = 0;
};

class Slots {
 public:
  static constexpr std::size_t kMostOfUser = 1'024;

  Result<Slot> make(const std::string& address, const std::string& name, uid_t owner);
  Result<Slot> find(const std::string& address, const std::string& name, uid_t user) const;
  Result<void> remove(const std::string& address, const std::string& name, uid_t user);
  std::set<std::string> names(const std::string& address, uid_t owner) const;

 private:
  struct State {
    std::map<std::string, std::map<std::string, Slot>> by_address;
    std::map<uid_t, std::size_t> counts;
    std::uint64_t last = 0;
  };
  spot::Synchronized<State> state_;
};

}  // namespace spotfs::tree
