#include "fs/tree/endpoints/hub.hpp"

#include "fs/tree/endpoints/asker.hpp"

namespace spotfs::tree {

OutgoingOptions Hub::outgoing(const Caller& caller) const {
  OutgoingOptions out;
  out.executor = options.executor;
  if (const std::optional<Thread> thread = options.find_thread(caller.tid)) out.opener = thread->group;
  out.find_thread = options.find_thread;
  out.room = room;
  return out;
}

std::shared_ptr<Asker> Hub::asker(const AskerKey& key) {
  return askers.get(key, [&] { return std::make_shared<Asker>(shared_from_this(), key); });
}

std::optional<Finished> Hub::finished(const AskerKey& key) {
  return results_.with([&](auto& results) -> std::optional<Finished> {
    const Finished* known = results.find(key);
    return known == nullptr ? std::nullopt : std::optional{*known};
  });
}

void Hub::finish(const AskerKey& key, Finished how) {
  Finished before;
  results_.with([&](auto& results) {
    if (Finished* known = results.find(key)) before = std::move(*known);
    const std::size_t size = how.size + kResultOverhead;
    results.put(key, std::move(how), size);
  });
  if (!before.content) return;
  replaced_.with([&](Replaced& replaced) {
    replaced.contents.put(++replaced.last, std::move(before.content), before.size + kResultOverhead);
  });
}

void Hub::note(const AskerKey& key, NodePtr error) {
  results_.with([&](auto& results) {
    if (Finished* known = results.find(key)) {
      known->error = std::move(error);
    } else {
      results.put(key, Finished{nullptr, std::move(error), nullptr, 0}, kResultOverhead);
    }
  });
}

void Hub::use(const AskerKey& key) {
  uses_.with([&](Uses& uses) {
    const std::optional<std::string> forgotten = uses.order.put(key.address, 0);
    if (forgotten) uses.askers.erase(*forgotten);
    std::set<uid_t>& askers_named = uses.askers[key.address];
    if (askers_named.size() < kAskersNamed) askers_named.insert(key.uid);
  });
}

std::set<std::string> Hub::used() const {
  return uses_.with([](const Uses& uses) {
    std::set<std::string> out;
    for (const auto& [address, uids] : uses.askers) out.insert(address);
    return out;
  });
}

std::set<uid_t> Hub::askers_of(const std::string& address) const {
  return uses_.with([&](const Uses& uses) {
    const auto known = uses.askers.find(address);
    return known == uses.askers.end() ? std::set<uid_t>{} : known->second;
  });
}

void Hub::expect(pid_t tid, const AskerKey& key) {
  expected_.with([&](auto& expected) { expected.put(tid, key); });
}

bool Hub::is_expected(pid_t tid, const AskerKey& key) {
  return expected_.with([&](auto& expected) {
    const AskerKey* known = expected.find(tid);
    const bool same = known != nullptr && *known == key;
    expected.erase(tid);
    return same;
  });
}

std::uint64_t Hub::keep_number(pid_t tid, std::uint64_t own, std::uint64_t shown) {
  return shown_.with([&](auto& all) {
    if (shown != own) {
      all.put(tid, std::pair{own, shown});
      return shown;
    }
    const auto* const known = all.find(tid);
    if (known == nullptr || known->first != own) return own;
    const std::uint64_t before = known->second;
    all.erase(tid);
    return before;
  });
}

Attributes Hub::attributes(const std::string& target, mode_t type, mode_t mode) const {
  Attributes out = own_attributes(options.access, type | mode);
  if (options.peers && (target.empty() || target.starts_with("k."))) {
    out.gid = *options.peers;
    out.mode |= (mode & S_IRWXU) >> 3;
  }
  out.atime = out.mtime = out.ctime = options.clock->wall();
  return out;
}

}  // namespace spotfs::tree
