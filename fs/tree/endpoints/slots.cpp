#include "fs/tree/endpoints/slots.hpp"

#include <cerrno>

namespace spotfs::tree {

Result<Slot> Slots::make(const std::string& address, const std::string& name, uid_t owner) {
  return state_.with([&](State& state) -> Result<Slot> {
    const auto known = state.by_address.find(address);
    if (known != state.by_address.end() && known->second.contains(name)) return fail(EEXIST);
    std::size_t& count = state.counts[owner];
    if (count >= kMostOfUser) return fail(Errc::quota_exceeded);
    ++count;
    return state.by_address[address][name] = Slot{++state.last, owner};
  });
}

Result<Slot> Slots::find(const std::string& address, const std::string& name, uid_t user) const {
  return state_.with([&](const State& state) -> Result<Slot> {
    const auto known = state.by_address.find(address);
    if (known == state.by_address.end()) return fail(ENOENT);
    const auto slot = known->second.find(name);
    if (slot == known->second.end()) return fail(ENOENT);
    if (slot->second.owner != user) return fail(EACCES);
    return slot->second;
  });
}

Result<void> Slots::remove(const std::string& address, const std::string& name, uid_t user) {
  return state_.with([&](State& state) -> Result<void> {
    const auto known = state.by_address.find(address);
    if (known == state.by_address.end()) return fail(ENOENT);
    const auto slot = known->second.find(name);
    if (slot == known->second.end()) return fail(ENOENT);
    if (slot->second.owner != user) return fail(EACCES);
    known->second.erase(slot);
    if (known->second.empty()) state.by_address.erase(known);
    const auto count = state.counts.find(user);
    if (--count->second == 0) state.counts.erase(count);
    return {};
  });
}

std::set<std::string> Slots::names(const std::string& address, uid_t owner) const {
  return state_.with([&](const State& state) {
    std::set<std::string> out;
    const auto known = state.by_address.find(address);
    if (known == state.by_address.end()) return out;
    for (const auto& [name, slot] : known->second) {
      if (slot.owner == owner) out.insert(name);
    }
    return out;
  });
}

}  // namespace spotfs::tree
