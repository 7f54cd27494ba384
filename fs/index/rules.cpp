#include "fs/index/rules.hpp"

namespace spotfs {

namespace {

std::error_code fail(std::errc e) noexcept { return make_error_code(e); }

// A directory that is there, by its own id.
Result<InodeId> directory_of(const State& state, const InodeId& id) {
  const InodeId out = state.resolve(id);
  const Inode* there = state.find(out);
  if (!there || there->kind == Kind::removed) return fail(std::errc::no_such_file_or_directory);
  if (!there->is_directory()) return fail(std::errc::not_a_directory);
  return out;
}

// A directory in which `name` may be made.
Result<InodeId> directory_for(const State& state, const InodeId& id, const std::string& name) {
  if (const Result<void> ok = check_name(name); !ok) return ok.error();
  return directory_of(state, id);
}

struct Found {
  Place place;
  InodeId id;
  const Inode* inode;
};

Result<Found> find(const State& state, const InodeId& directory, std::string name) {
  const Result<InodeId> parent = directory_for(state, directory, name);
  if (!parent) return parent.error();
  const std::optional<InodeId> id = state.at(*parent, name);
  if (!id) return fail(std::errc::no_such_file_or_directory);
  return Found{{*parent, std::move(name)}, *id, state.find(*id)};
}

// rename(2): what the newcomer may replace.
Result<void> check_replacement(const State& state, const Inode& comes, const InodeId& old) {
  const Inode& there = *state.find(old);
  if (there.is_directory() && !comes.is_directory()) return fail(std::errc::is_a_directory);
  if (!there.is_directory() && comes.is_directory()) return fail(std::errc::not_a_directory);
  if (there.is_directory() && !state.is_empty(old)) return fail(std::errc::directory_not_empty);
  return {};
}

}  // namespace

Result<void> check_name(const std::string& name) {
  if (name.size() > kMaxName) return fail(std::errc::filename_too_long);
  if (!is_name(name)) return fail(std::errc::invalid_argument);
  return {};
}

Result<Make> plan_make(const State& state, const InodeId& directory, std::string name, NewInode inode) {
  const Result<InodeId> parent = directory_for(state, directory, name);
  if (!parent) return parent.error();
  if (state.at(*parent, name)) return fail(std::errc::file_exists);
  return Make{{*parent, std::move(name)}, std::nullopt, std::move(inode)};
}

Result<Link> plan_link(const State& state, const InodeId& inode, const InodeId& directory, std::string name) {
  const Result<InodeId> parent = directory_for(state, directory, name);
  if (!parent) return parent.error();
  const InodeId id = state.resolve(inode);
  const Inode* there = state.find(id);
  if (!there || there->kind == Kind::removed) return fail(std::errc::no_such_file_or_directory);
  if (there->is_directory() || state.in_blobs(*parent)) return fail(std::errc::operation_not_permitted);
  if (state.is_directory(there->place.directory) && state.in_blobs(there->place.directory))
    return fail(std::errc::operation_not_permitted);
  if (state.at(*parent, name)) return fail(std::errc::file_exists);
  return Link{{*parent, std::move(name)}, std::nullopt, id};
}

Result<Unlink> plan_unlink(const State& state, const InodeId& directory, std::string name) {
  Result<Found> found = find(state, directory, std::move(name));
  if (!found) return found.error();
  if (found->inode->is_directory()) return fail(std::errc::is_a_directory);
  return Unlink{std::move(found->place), found->id, found->inode->version};
}

Result<Unlink> plan_rmdir(const State& state, const InodeId& directory, std::string name) {
  Result<Found> found = find(state, directory, std::move(name));
  if (!found) return found.error();
  if (!found->inode->is_directory()) return fail(std::errc::not_a_directory);
  if (!state.is_empty(found->id)) return fail(std::errc::directory_not_empty);
  return Unlink{std::move(found->place), found->id, found->inode->version};
}

Result<std::optional<Move>> plan_move(const State& state, const InodeId& from, std::string name, const InodeId& to,
                                      std::string new_name, bool keep_existing) {
  Result<Found> found = find(state, from, std::move(name));
  if (!found) return found.error();
  const Result<InodeId> target = directory_for(state, to, new_name);
  if (!target) return target.error();
  const bool from_blobs = state.in_blobs(found->place.directory), to_blobs = state.in_blobs(*target);
  const std::optional<InodeId> old = state.at(*target, new_name);
  if (old && keep_existing) return fail(std::errc::file_exists);
  if (old == found->id) return std::optional<Move>{};
  if (from_blobs != to_blobs || (from_blobs && found->inode->is_directory())) return fail(std::errc::cross_device_link);
  if (found->inode->is_directory() && state.is_below(*target, found->id)) return fail(std::errc::invalid_argument);
  Over over;
  if (old) {
    if (const Result<void> ok = check_replacement(state, *found->inode, *old); !ok) return ok.error();
    over = Seen{*old, state.find(*old)->version};
  }
  return std::optional{Move{std::move(found->place), found->id, {*target, std::move(new_name)}, over}};
}

Result<Exchange> plan_exchange(const State& state, const InodeId& one, std::string name, const InodeId& other,
                               std::string other_name) {
  Result<Found> first = find(state, one, std::move(name));
  if (!first) return first.error();
  Result<Found> second = find(state, other, std::move(other_name));
  if (!second) return second.error();
  if (state.in_blobs(first->place.directory) || state.in_blobs(second->place.directory))
    return fail(std::errc::cross_device_link);
  const bool encloses = (first->inode->is_directory() && state.is_below(second->place.directory, first->id)) ||
                        (second->inode->is_directory() && state.is_below(first->place.directory, second->id));
  if (encloses) return fail(std::errc::invalid_argument);
  return Exchange{std::move(first->place), first->id, std::move(second->place), second->id};
}

Result<Set> plan_set(const State& state, const InodeId& inode, Changes changes) {
  const InodeId id = state.resolve(inode);
  const Inode* there = state.find(id);
  if (!there || there->kind == Kind::removed) return stale_inode();
  return Set{id, std::move(changes)};
}

}  // namespace spotfs
