#include "fs/index/state.hpp"

#include <algorithm>
#include <utility>

#include "fs/index/state_keys.hpp"

namespace spotfs {

State::State(const StateOptions& options) : options_{options} {
  for (const InodeId& id : kFixed) {
    auto inode = std::make_shared<Inode>();
    inode->kind = Kind::directory;
    inode->mode = 0755;
    inode->uid = options.uid;
    inode->gid = options.gid;
    inode->links = 1;
    inode->place.directory = id;
    inodes_.emplace(id, std::move(inode));
  }
}

Result<Entry> State::lookup(const InodeId& directory, std::string_view name) const {
  const InodeId parent = resolve(directory);
  const Inode* there = find(parent);
  if (!there || there->kind == Kind::removed) return make_error_code(std::errc::no_such_file_or_directory);
  if (!there->is_directory()) return make_error_code(std::errc::not_a_directory);
  const std::optional<InodeId> id = at(parent, name);
  if (!id) return make_error_code(std::errc::no_such_file_or_directory);
  return Entry{*id, inodes_.at(*id)};
}

Result<InodePtr> State::inode(const InodeId& id) const {
  const auto found = inodes_.find(resolve(id));
  if (found == inodes_.end()) return stale_inode();
  return InodePtr{found->second};
}

Result<std::vector<NamedEntry>> State::list(const InodeId& directory, std::string_view after, std::size_t max) const {
  const InodeId parent = resolve(directory);
  const Inode* there = find(parent);
  if (!there || there->kind == Kind::removed) return make_error_code(std::errc::no_such_file_or_directory);
  if (!there->is_directory()) return make_error_code(std::errc::not_a_directory);
  need_part(parent, after, max);
  std::vector<NamedEntry> out;
  for (auto entry = entries_.upper_bound(NameView{parent, after});
       entry != entries_.end() && entry->first.directory == parent && out.size() < max; ++entry) {
    if (is_unchecked_) check_target(entry->first, entry->second.id);
    out.push_back({entry->first.name, entry->second.id, inodes_.at(entry->second.id)});
  }
  return out;
}

InodeId State::resolve(InodeId id) const {
  std::size_t steps = 0;
  for (const Inode* there = find(id); there && there->kind == Kind::alias; there = find(id)) {
    if (++steps > inodes_.size()) throw GapHit{make_error_code(Errc::malformed)};
    id = there->alias_of;
  }
  return id;
}

const Inode* State::find(const InodeId& id) const {
  const auto found = inodes_.find(id);
  if (found == inodes_.end()) {
    if (!gaps_.empty()) need(inode_key(id));
    return nullptr;
  }
  // The fixed ones are there before they are read, and where they can't be had.
  if (!gaps_.empty() && is_fixed(id)) {
    const Gap* const gap = gaps_.at(inode_key(id));
    if (gap && !gap->why) throw GapHit{std::set{gap->node}};
  }
  return found->second.get();
}

bool State::is_directory(const InodeId& id) const {
  const Inode* there = find(id);
  return there && there->is_directory();
}

std::optional<InodeId> State::at(const InodeId& directory, std::string_view name) const {
  const auto found = entries_.find(NameView{directory, name});
  if (gaps_.has_doubts() || (!gaps_.empty() && found == entries_.end())) need(name_key(directory, name));
  if (found == entries_.end()) return std::nullopt;
  if (is_unchecked_) check_target(found->first, found->second.id);
  return found->second.id;
}

bool State::is_empty(const InodeId& directory) const {
  const auto first = entries_.lower_bound(NameView{directory, {}});
  if (first != entries_.end() && first->first.directory == directory) return false;
  need_names(directory);
  return true;
}

bool State::is_below(InodeId directory, const InodeId& above) const {
  for (std::size_t steps = 0; directory != above; ++steps) {
    if (is_fixed(directory)) return false;
    const Inode* const there = find(directory);
    if (!there || steps > inodes_.size()) throw GapHit{make_error_code(Errc::malformed)};
    directory = there->place.directory;
  }
  return true;
}

std::optional<std::string> State::find_name(const InodeId& directory, const InodeId& inode,
                                            const std::function<bool(std::string_view)>& fits) const {
  need_names(directory);
  for (auto entry = entries_.lower_bound(NameView{directory, {}});
       entry != entries_.end() && entry->first.directory == directory; ++entry)
    if (entry->second.id == inode && fits(entry->first.name)) return entry->first.name;
  return std::nullopt;
}

void State::each_entry(const std::function<void(const Place&, const InodeId&)>& visit) const {
  for (const auto& [place, target] : entries_) visit(place, target.id);
}

void State::each_inode(const std::function<void(const InodeId&, const InodePtr&)>& visit) const {
  for (const auto& [id, inode] : inodes_) visit(id, inode);
}

std::optional<std::uint64_t> State::subdirectories(const InodeId& directory) const {
  const InodeId id = resolve(directory);
  const auto is_known = [&] {
    return !unread_targets_.contains(id) && !gaps_.touches(name_key(id, {}), names_end(id));
  };
  if (!gaps_.empty() && !is_known()) return std::nullopt;
  const auto found = subdirectories_.find(id);
  return found == subdirectories_.end() ? 0 : static_cast<std::uint64_t>(found->second);
}

void State::count(const InodeId& directory, const Target& target, std::int64_t change) {
  if (target.kind == TargetKind::other) return;
  auto& counts = target.kind == TargetKind::directory ? subdirectories_ : unread_targets_;
  const auto counted = counts.try_emplace(directory).first;
  counted->second += change;
  if (counted->second == 0) counts.erase(counted);
}

State::TargetKind State::kind_of(const InodeId& id) const {
  const auto found = inodes_.find(id);
  if (found == inodes_.end()) return TargetKind::unread;
  return found->second->is_directory() ? TargetKind::directory : TargetKind::other;
}

void State::put(const Place& place, const Target& target) {
  const auto [entry, fresh] = entries_.try_emplace(place, target);
  if (!fresh) count(place.directory, std::exchange(entry->second, target), -1);
  count(place.directory, target, 1);
}

void State::drop(const Place& place) {
  const auto entry = entries_.find(place);
  if (entry == entries_.end()) return;
  count(place.directory, entry->second, -1);
  entries_.erase(entry);
}

void State::undo(const Undo& changes) {
  for (const auto& [place, before, was_directory] : changes.names) {
    if (before)
      put(place, {*before, was_directory ? TargetKind::directory : TargetKind::other});
    else
      drop(place);
  }
  for (const auto& [id, before] : changes.inodes) {
    if (before)
      inodes_.insert_or_assign(id, before);
    else
      inodes_.erase(id);
  }
}

Inode& Edit::inode(const InodeId& id) {
  if (!state_.find(id)) throw GapHit{make_error_code(Errc::malformed)};
  std::shared_ptr<Inode>& there = state_.inodes_.at(id);
  const bool ours = std::ranges::any_of(undo_.inodes, [&](const Undo::Body& body) { return body.id == id; });
  if (!ours) {
    auto copy = std::make_shared<Inode>(*there);
    undo_.inodes.push_back({id, std::exchange(there, std::move(copy))});
  }
  return *there;
}

Inode& Edit::add(const InodeId& id, Inode inode) {
  static_cast<void>(state_.find(id));
  undo_.inodes.push_back({id, nullptr});
  return *state_.inodes_.insert_or_assign(id, std::make_shared<Inode>(std::move(inode))).first->second;
}

void Edit::keep_name(const Place& place) {
  const bool kept = std::ranges::any_of(undo_.names, [&](const Undo::Name& name) { return name.place == place; });
  if (kept) return;
  const auto there = state_.entries_.find(place);
  if (there == state_.entries_.end()) {
    if (!state_.is_whole()) state_.need(name_key(place.directory, place.name));
    undo_.names.push_back({place, std::nullopt, false});
  } else {
    undo_.names.push_back({place, there->second.id, there->second.kind == State::TargetKind::directory});
  }
}

void Edit::enter(const Place& place, const InodeId& id) {
  keep_name(place);
  state_.put(place, {id, state_.kind_of(id)});
}

void Edit::leave(const Place& place) {
  keep_name(place);
  state_.drop(place);
}

}  // namespace spotfs
