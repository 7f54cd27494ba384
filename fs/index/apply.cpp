#include "fs/index/apply.hpp"

#include <algorithm>

#include "fs/index/found.hpp"
#include "fs/index/names.hpp"

namespace spotfs {

namespace {

// One operation being applied. Pointers from state_.find() are good until the next change of that inode.
class Application {
 public:
  Application(State& state, const Stamp& stamp) : state_{state}, edit_{state}, stamp_{stamp}, now_{time_of(stamp)} {}
  Undo finish() { return edit_.finish(); }

  void operator()(const Make& op);
  void operator()(const Link& op);
  void operator()(const Unlink& op);
  void operator()(const Move& op);
  void operator()(const Exchange& op);
  void operator()(const Write& op);
  void operator()(const Set& op);

 private:
  bool is_live(const InodeId& id) const;
  bool drops_conflicts() const noexcept { return state_.options().conflicts_last; }

  std::string conflict_name(const InodeId& directory, std::string_view name, const InodeId& id) const;
  Place lost_place(const InodeId& id) const;
  std::optional<std::string> name_now(const InodeId& directory, const std::string& was, const InodeId& id) const;

  Inode& touch(const InodeId& id);
  void touch_names(const InodeId& directory);
  void enter(const InodeId& directory, const std::string& name, const InodeId& id);
  void leave(const InodeId& directory, const std::string& name);
  Inode& lose_link(const InodeId& id);
  void remove(const InodeId& directory, const std::string& name, const InodeId& id);
  void stand_for(const InodeId& other);
  void take_found(const InodeId& file, const NewInode& found);
  std::optional<InodeId> directory_for(const InodeId& id);
  void put_back(const InodeId& directory);
  void put(const InodeId& directory, const std::string& name, const InodeId& id, const Over& over);
  std::optional<std::string> make_room(const InodeId& directory, const std::string& name, const InodeId& old,
                                       const InodeId& id, const Over& over);
  void keep_other_version(const InodeId& id, const Version& base);
  void revive(const InodeId& id, const Write& op);
  void set_content(Inode& inode, const Write& op) const;

  State& state_;
  Edit edit_;
  const Stamp stamp_;
  const Time now_;
};

bool Application::is_live(const InodeId& id) const {
  const Inode* there = state_.find(id);
  return there && there->kind != Kind::removed && there->kind != Kind::alias;
}

std::string Application::conflict_name(const InodeId& directory, std::string_view name, const InodeId& id) const {
  for (unsigned number = 1;; ++number) {
    std::string out = spotfs::conflict_name(name, id, number);
    if (!state_.at(directory, out)) return out;
  }
}

Place Application::lost_place(const InodeId& id) const {
  std::string name = lost_name(id);
  if (state_.at(kLostFound, name)) name = conflict_name(kLostFound, name, id);
  return {kLostFound, std::move(name)};
}

// Rule 4: the name of an inode that its maker saw as `was`.
std::optional<std::string> Application::name_now(const InodeId& directory, const std::string& was,
                                                 const InodeId& id) const {
  if (state_.at(directory, was) == id) return was;
  const Inode* there = state_.find(id);
  if (!there || there->links == 0) return std::nullopt;
  const Place& place = there->place;
  if (there->links == 1 && state_.at(place.directory, place.name) == id) {
    if (place.directory != directory || !same_stem(was, place.name)) return std::nullopt;
    return place.name;
  }
  return state_.find_name(directory, id, [&](std::string_view name) { return same_stem(was, name); });
}

// Rule 8: changed, at the operation's time.
Inode& Application::touch(const InodeId& id) {
  Inode& inode = edit_.inode(id);
  inode.ctime = std::max(inode.ctime, now_);
  return inode;
}

void Application::touch_names(const InodeId& directory) {
  Inode& inode = touch(directory);
  inode.mtime = std::max(inode.mtime, now_);
}

void Application::enter(const InodeId& directory, const std::string& name, const InodeId& id) {
  Place place{directory, name};
  edit_.enter(place, id);
  edit_.inode(id).place = std::move(place);
  touch_names(directory);
}

void Application::leave(const InodeId& directory, const std::string& name) {
  touch_names(directory);
  edit_.leave({directory, name});
}

Inode& Application::lose_link(const InodeId& id) {
  Inode& inode = edit_.inode(id);
  if (--inode.links == 0) {
    inode.kind = Kind::removed;
    inode.reference.reset();
    inode.since = stamp_;
  }
  return inode;
}

void Application::remove(const InodeId& directory, const std::string& name, const InodeId& id) {
  // What is told of the removal says where it was: the way there has to be in memory.
  if (!state_.is_whole()) static_cast<void>(state_.in_blobs(directory));
  leave(directory, name);
  lose_link(id);
  touch(id);
}

// Rule 2: the directory, put back with those above it if it is gone. None: it is no directory, nothing was changed.
std::optional<InodeId> Application::directory_for(const InodeId& id) {
  const InodeId out = state_.resolve(id);
  std::vector<InodeId> gone;
  for (InodeId above = out; !state_.is_directory(above);) {
    gone.push_back(above);
    const Inode* there = state_.find(above);
    if (!there) break;
    if (there->kind != Kind::removed) return std::nullopt;
    above = state_.resolve(there->place.directory);
  }
  std::for_each(gone.rbegin(), gone.rend(), [&](const InodeId& directory) { put_back(directory); });
  return out;
}

// The directory that it was in is there by now.
void Application::put_back(const InodeId& directory) {
  const Inode* there = state_.find(directory);
  Place place;
  if (!there) {
    place = lost_place(directory);
    const Inode& lost = *state_.find(kLostFound);
    Inode inode;
    inode.mode = 0700;
    inode.uid = lost.uid;
    inode.gid = lost.gid;
    edit_.add(directory, std::move(inode));
  } else {
    place = {state_.resolve(there->place.directory), there->place.name};
    if (const std::optional<InodeId> other = state_.at(place.directory, place.name)) {
      if (state_.in_blobs(place.directory) && !state_.is_directory(*other))
        remove(place.directory, place.name, *other);
      else
        place = lost_place(directory);
    }
  }
  Inode& inode = edit_.inode(directory);
  inode.kind = Kind::directory;
  inode.version.reset();
  inode.links = 1;
  inode.since = {};
  enter(place.directory, place.name, directory);
}

void Application::put(const InodeId& directory, const std::string& name, const InodeId& id, const Over& over) {
  const std::optional<InodeId> old = state_.at(directory, name);
  const std::optional<std::string> free = old ? make_room(directory, name, *old, id, over) : name;
  if (free) {
    enter(directory, *free, id);
  } else if (Inode& dropped = lose_link(id); dropped.links == 0) {
    dropped.place = {directory, name};
  }
}

// Rule 3: the name that the newcomer gets where `old` has the one it asked for. None: it gets none.
std::optional<std::string> Application::make_room(const InodeId& directory, const std::string& name, const InodeId& old,
                                                  const InodeId& id, const Over& over) {
  const Inode& there = *state_.find(old);
  const Inode& comes = *state_.find(id);
  const bool expected =
      over && state_.resolve(over->inode) == old && (there.is_directory() || over->version == there.version);
  const bool fits = there.is_directory() == comes.is_directory() && (!there.is_directory() || state_.is_empty(old));
  if (expected && fits) {
    remove(directory, name, old);
    return name;
  }
  const bool below_blobs = state_.in_blobs(directory);
  if (there.is_directory()) {
    if (!comes.is_directory() && (below_blobs || drops_conflicts())) return std::nullopt;
    // A directory with something in it is never dropped: nothing is in conflict with what is below it.
    if (drops_conflicts() && !below_blobs && state_.is_empty(id)) return std::nullopt;
    return conflict_name(directory, name, id);
  }
  const bool empty_file = there.kind == Kind::file && !there.reference && !comes.is_directory();
  if (below_blobs || empty_file || drops_conflicts()) {
    remove(directory, name, old);
  } else {
    const std::string aside = conflict_name(directory, name, old);
    leave(directory, name);
    enter(directory, aside, old);
  }
  return name;
}

// The inode that is being made is another one.
void Application::stand_for(const InodeId& other) {
  Inode inode;
  inode.kind = Kind::alias;
  inode.alias_of = other;
  inode.since = stamp_;
  edit_.add(stamp_, std::move(inode));
}

// The value of the key that has been met is this file's, which may know of an earlier one alone.
void Application::take_found(const InodeId& file, const NewInode& found) {
  stand_for(file);
  if (found.version <= state_.find(file)->version) return;
  Inode& inode = touch(file);
  inode.version = found.version;
  inode.reference = found.reference;
  inode.mtime = found.mtime.value_or(now_);
  inode.flags = found.flags;
}

void Application::operator()(const Make& op) {
  if (state_.find(stamp_)) return;
  const std::optional<InodeId> directory = directory_for(op.at.directory);
  if (!directory || state_.find(stamp_)) return;  // there: an operation that makes its inode in itself
  const NewInode& from = op.inode;
  const std::optional<InodeId> old = state_.at(*directory, op.at.name);
  if (from.kind == Kind::directory && old && state_.is_directory(*old)) return stand_for(*old);
  if (is_found(from) && old && state_.find(*old)->kind == Kind::file && state_.in_blobs(*directory))
    return take_found(*old, from);
  Inode inode;
  inode.kind = from.kind;
  inode.version = from.version;
  inode.reference = from.reference;
  inode.mode = from.mode;
  inode.uid = from.uid;
  inode.gid = from.gid;
  inode.atime = from.atime.value_or(now_);
  inode.mtime = from.mtime.value_or(now_);
  inode.ctime = now_;
  inode.birth = from.birth.value_or(now_);
  inode.xattrs = from.xattrs;
  inode.target = from.target;
  inode.device = from.device;
  inode.links = 1;
  inode.flags = from.flags;
  edit_.add(stamp_, std::move(inode));
  put(*directory, op.at.name, stamp_, op.over);
}

void Application::operator()(const Link& op) {
  const InodeId id = state_.resolve(op.inode);
  if (!is_live(id) || state_.is_directory(id)) return;
  const std::optional<InodeId> directory = directory_for(op.at.directory);
  if (!directory || !is_live(id) || state_.at(*directory, op.at.name) == id) return;
  ++touch(id).links;
  put(*directory, op.at.name, id, op.over);
}

void Application::operator()(const Unlink& op) {
  const InodeId directory = state_.resolve(op.at.directory), id = state_.resolve(op.inode);
  const std::optional<std::string> name = name_now(directory, op.at.name, id);
  if (!name) return;
  const Inode& there = *state_.find(id);
  if (there.is_directory() ? !state_.is_empty(id) : there.version != op.version) return;
  remove(directory, *name, id);
}

void Application::operator()(const Move& op) {
  const InodeId from = state_.resolve(op.from.directory), id = state_.resolve(op.inode);
  const std::optional<std::string> name = name_now(from, op.from.name, id);
  if (!name) return;
  const auto is_below_itself = [&](const InodeId& directory) {
    return state_.is_directory(id) && state_.is_directory(directory) && state_.is_below(directory, id);
  };
  if (is_below_itself(state_.resolve(op.to.directory))) return;
  const std::optional<InodeId> to = directory_for(op.to.directory);
  if (!to || is_below_itself(*to) || state_.at(*to, op.to.name) == id) return;
  if (state_.at(from, *name) != id) return;  // below blobs/, the directory that came back took the name
  leave(from, *name);
  touch(id);
  put(*to, op.to.name, id, op.over);
}

void Application::operator()(const Exchange& op) {
  const InodeId directory = state_.resolve(op.one.directory), other_directory = state_.resolve(op.other.directory);
  const InodeId id = state_.resolve(op.inode), other = state_.resolve(op.other_inode);
  const std::optional<std::string> name = name_now(directory, op.one.name, id);
  const std::optional<std::string> other_name = name_now(other_directory, op.other.name, other);
  if (!name || !other_name || id == other) return;
  if (state_.is_directory(id) && state_.is_below(other_directory, id)) return;
  if (state_.is_directory(other) && state_.is_below(directory, other)) return;
  enter(directory, *name, other);
  enter(other_directory, *other_name, id);
  touch(id);
  touch(other);
}

void Application::operator()(const Write& op) {
  const InodeId id = state_.resolve(op.inode);
  const Inode* there = state_.find(id);
  if (!there || there->kind == Kind::removed) return revive(id, op);
  if (there->kind != Kind::file || there->version == stamp_) return;
  keep_other_version(id, op.base);
  set_content(touch(id), op);
}

// Rule 6: what the writer did not know becomes an inode of its own.
void Application::keep_other_version(const InodeId& id, const Version& base) {
  const Inode& there = *state_.find(id);
  if (there.version == base || !there.version || !there.reference || state_.find(*there.version)) return;
  const InodeId beside = state_.resolve(there.place.directory);
  const bool is_beside = state_.is_directory(beside);
  if (drops_conflicts() || (is_beside && state_.in_blobs(beside))) return;
  const InodeId directory = is_beside ? beside : kLostFound;
  const InodeId version = *there.version;
  const std::string name = conflict_name(directory, there.place.name, version);
  Inode copy = there;
  copy.links = 1;
  edit_.add(version, std::move(copy));
  enter(directory, name, version);
}

// Rule 6: a write to a file that is gone.
void Application::revive(const InodeId& id, const Write& op) {
  Place place;
  if (const Inode* gone = state_.find(id)) {
    const std::string name = gone->place.name;
    const std::optional<InodeId> directory = directory_for(gone->place.directory);
    if (!directory) return;
    place = {*directory, name};
    if (state_.at(*directory, name)) {
      if (drops_conflicts() || state_.in_blobs(*directory)) return;
      place.name = conflict_name(*directory, name, id);
    }
  } else {
    place = lost_place(id);
    const Inode& lost = *state_.find(kLostFound);
    Inode inode;
    inode.mode = 0600;
    inode.uid = lost.uid;
    inode.gid = lost.gid;
    inode.atime = op.mtime;
    inode.birth = time_of(id);
    edit_.add(id, std::move(inode));
  }
  Inode& inode = touch(id);
  inode.kind = Kind::file;
  inode.links = 1;
  inode.since = {};
  set_content(inode, op);
  enter(place.directory, place.name, id);
}

void Application::set_content(Inode& inode, const Write& op) const {
  inode.version = stamp_;
  inode.reference = op.reference;
  inode.mtime = op.mtime;
  inode.flags = op.flags;
}

void Application::operator()(const Set& op) {
  const InodeId id = state_.resolve(op.inode);
  if (!is_live(id)) return;
  op.changes.apply_to(touch(id));
}

}  // namespace

Undo apply(State& state, const Operation& operation) {
  Application application{state, operation.stamp};
  try {
    std::visit(application, operation.action);
  } catch (const GapHit&) {
    state.undo(application.finish());
    throw;
  }
  return application.finish();
}

}  // namespace spotfs
