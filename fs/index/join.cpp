#include "fs/index/join.hpp"

#include <map>

#include "fs/index/found.hpp"

namespace spotfs {

namespace {

std::size_t size_of(const std::string& value) { return value.size(); }
std::size_t size_of(const std::optional<std::string>& value) { return value ? value->size() : 0; }

// The limit of one operation also holds for what several become.
template <class Map>
bool fits(const Map& xattrs) {
  std::size_t size = 0;
  for (const auto& [name, value] : xattrs) size += name.size() + size_of(value);
  return size <= kMaxXattrs;
}

// Each of these gives the operation that does both, or none if no single one does.

std::optional<Make> joined(Make make, const Write& write, const Stamp& stamp) {
  if (make.inode.kind != Kind::file || write.base != make.inode.version) return std::nullopt;
  make.inode.version = stamp;
  make.inode.reference = write.reference;
  make.inode.mtime = write.mtime;
  make.inode.flags = write.flags;
  return make;
}

std::optional<Make> joined(Make make, const Set& set) {
  NewInode& inode = make.inode;
  const Changes& changes = set.changes;
  inode.mode = changes.mode.value_or(inode.mode);
  inode.uid = changes.uid.value_or(inode.uid);
  inode.gid = changes.gid.value_or(inode.gid);
  if (changes.atime) inode.atime = changes.atime;
  if (changes.mtime) inode.mtime = changes.mtime;
  for (const auto& [name, value] : changes.xattrs) {
    if (value)
      inode.xattrs.insert_or_assign(name, *value);
    else
      inode.xattrs.erase(name);
  }
  if (!fits(inode.xattrs)) return std::nullopt;
  return make;
}

std::optional<Set> joined(Set earlier, const Set& later) {
  Changes& changes = earlier.changes;
  if (later.changes.mode) changes.mode = later.changes.mode;
  if (later.changes.uid) changes.uid = later.changes.uid;
  if (later.changes.gid) changes.gid = later.changes.gid;
  if (later.changes.atime) changes.atime = later.changes.atime;
  if (later.changes.mtime) changes.mtime = later.changes.mtime;
  for (const auto& [name, value] : later.changes.xattrs) changes.xattrs.insert_or_assign(name, value);
  if (!fits(changes.xattrs)) return std::nullopt;
  return earlier;
}

class Joiner {
 public:
  explicit Joiner(const std::vector<Operation>& operations) {
    for (const Operation& operation : operations)
      for (const InodeId& id : named_inodes(operation)) last_named_[id] = operation.stamp;
  }

  void take(Operation operation) {
    const bool done =
        std::visit([&](const auto& action) { return join_into(operation.stamp, action); }, operation.action);
    if (!done) append(std::move(operation));
  }

  std::vector<Operation> finish() {
    std::vector<Operation> out;
    for (std::optional<Operation>& operation : out_)
      if (operation) out.push_back(std::move(*operation));
    return out;
  }

 private:
  // The last operation that names the inode, of those that are left.
  std::optional<Operation>* last_of(const InodeId& id) {
    std::vector<std::size_t>& at = named_at_[id];
    while (!at.empty() && !out_[at.back()]) at.pop_back();
    return at.empty() ? nullptr : &out_[at.back()];
  }

  // As an action of this kind, if it is one that makes or changes this very inode. What was found may turn out to be
  // another one, for which the rest holds.
  template <class T>
  T* last_as(const InodeId& id) {
    std::optional<Operation>* last = last_of(id);
    if (!last) return nullptr;
    T* action = std::get_if<T>(&(*last)->action);
    if constexpr (std::is_same_v<T, Make>)
      return action && (*last)->stamp == id && !is_found(action->inode) ? action : nullptr;
    return action;
  }

  bool join_into(const Stamp& stamp, const Write& write) {
    if (Make* make = last_as<Make>(write.inode)) return put(*make, joined(*make, write, stamp), write.inode, stamp);
    const Write* earlier = last_as<Write>(write.inode);
    if (!earlier || write.base != (*last_of(write.inode))->stamp) return false;
    Write both = write;
    both.base = earlier->base;
    move_to(stamp, std::move(both), write.inode);
    return true;
  }

  bool join_into(const Stamp& stamp, const Set& set) {
    if (Make* make = last_as<Make>(set.inode)) return put(*make, joined(*make, set), set.inode, stamp);
    const Set* earlier = last_as<Set>(set.inode);
    if (!earlier) return false;
    std::optional<Set> both = joined(*earlier, set);
    if (!both) return false;
    move_to(stamp, std::move(*both), set.inode);
    return true;
  }

  // Nothing may follow that names it: a late write would not find where it was.
  bool join_into(const Stamp& stamp, const Unlink& unlink) {
    const Make* make = last_as<Make>(unlink.inode);
    const bool undoes = make && !make->over && make->at == unlink.at && make->inode.version == unlink.version &&
                        last_named_.at(unlink.inode) == stamp;
    if (!undoes) return false;
    last_of(unlink.inode)->reset();
    untouch(unlink.inode);
    return true;
  }

  template <class Other>
  bool join_into(const Stamp&, const Other&) {
    return false;
  }

  bool put(Make& make, std::optional<Make> both, const InodeId& id, const Stamp& stamp) {
    if (!both) return false;
    make = std::move(*both);
    untouch(id);
    touched_at_[id] = out_.size();
    out_.emplace_back(Operation{stamp, Set{id, {}}});
    return true;
  }

  void untouch(const InodeId& id) {
    const auto touched = touched_at_.find(id);
    if (touched == touched_at_.end()) return;
    out_[touched->second].reset();
    touched_at_.erase(touched);
  }

  void move_to(const Stamp& stamp, Action action, const InodeId& id) {
    last_of(id)->reset();
    append({stamp, std::move(action)});
  }

  void append(Operation operation) {
    for (const InodeId& id : named_inodes(operation)) named_at_[id].push_back(out_.size());
    out_.emplace_back(std::move(operation));
  }

  std::map<InodeId, Stamp> last_named_;                   // in what was given
  std::map<InodeId, std::vector<std::size_t>> named_at_;  // positions in out_, rising
  // Of the sets that change nothing: they keep the time of the last operation that was joined with a make, so that the
  // ctime is what this mount has shown. They part nothing, and are in no named_at_.
  std::map<InodeId, std::size_t> touched_at_;
  std::vector<std::optional<Operation>> out_;  // none: joined with another
};

}  // namespace

std::vector<Operation> join(std::vector<Operation> operations) {
  Joiner joiner{operations};
  for (Operation& operation : operations) joiner.take(std::move(operation));
  return joiner.finish();
}

}  // namespace spotfs
