// What of a state is not in memory, and how it comes there.
#include <algorithm>

#include "fs/index/state.hpp"
#include "fs/index/state_keys.hpp"

namespace spotfs {

using spot::fail;

namespace {

// Nodes that are read ahead where a directory is listed.
constexpr std::size_t kNamesAhead = 4'096, kNodesAhead = 64;

}  // namespace

std::optional<InodeId> State::in_memory(const Place& place) const {
  const auto found = entries_.find(place);
  return found == entries_.end() ? std::nullopt : std::optional{found->second.id};
}

std::shared_ptr<const Inode> State::in_memory(const InodeId& id) const {
  const auto found = inodes_.find(id);
  return found == inodes_.end() ? nullptr : found->second;
}

void State::need(const Bytes& key) const {
  if (const std::error_code why = gaps_.doubt_of(key)) throw GapHit{why};
  const Gap* const gap = gaps_.at(key);
  if (!gap) return;
  if (gap->why) throw GapHit{gap->why};
  throw GapHit{std::set{gap->node}};
}

void State::need_names(const InodeId& directory) const {
  if (gaps_.empty()) return;
  std::set<BlobId> unread = gaps_.within(name_key(directory, {}), names_end(directory), kNodesAhead);
  if (!unread.empty()) throw GapHit{std::move(unread)};
}

// A name is that of an inode that is there, and a directory has only one.
void State::check_target(const Place& place, const InodeId& id) const {
  const Inode* const there = find(id);
  const bool fits = there && there->links != 0 && (!there->is_directory() || there->place == place);
  if (!fits) throw GapHit{make_error_code(Errc::malformed)};
}

// The names that list() gives, and their inodes. Who lists one part asks for the next one: so more is read at once.
void State::need_part(const InodeId& directory, std::string_view after, std::size_t max) const {
  if (gaps_.empty()) return;
  const auto first = entries_.upper_bound(NameView{directory, after});
  const auto is_in = [&](auto entry) { return entry != entries_.end() && entry->first.directory == directory; };
  const Bytes begin = name_key(directory, after), end = names_end(directory);

  auto last = first;
  std::size_t count = 0;
  while (is_in(last) && count < max) ++last, ++count;
  const Bytes part_end = count == max && max != 0 ? name_key(directory, std::prev(last)->first.name) : end;
  if (!gaps_.within(begin, part_end, 1).empty()) throw GapHit{gaps_.ahead(begin, end, kNodesAhead)};

  std::set<BlobId> unread;
  bool is_needed = false;
  count = 0;
  for (auto entry = first; is_in(entry) && count < std::max(max, kNamesAhead) && unread.size() < kNodesAhead;
       ++entry, ++count) {
    if (count >= max && !is_needed) return;
    if (inodes_.contains(entry->second.id)) continue;
    const Gap* const gap = gaps_.at(inode_key(entry->second.id));
    if (count < max) {
      if (!gap) throw GapHit{make_error_code(Errc::malformed)};
      if (gap->why) throw GapHit{gap->why};
      is_needed = true;
    }
    if (gap && !gap->why) unread.insert(gap->node);
  }
  if (is_needed) throw GapHit{std::move(unread)};
}

void State::close_fixed_in(const BlobId& node) {
  for (const InodeId& id : kFixed) {
    if (!gaps_.holds(node, inode_key(id))) continue;
    auto inode = std::make_shared<Inode>(*inodes_.at(id));
    inode->mode = 0700;
    inodes_.insert_or_assign(id, std::move(inode));
  }
}

void State::lose(const BlobId& node, std::error_code why) {
  if (gaps_.lose(node, why)) close_fixed_in(node);
}

Result<void> State::fill(const BlobId& node, const spot::Sha256& hash, Contents contents) {
  if (!gaps_.has(node)) return {};
  for (const auto& [place, id] : contents.names) {
    if (!gaps_.holds(node, name_key(place.directory, place.name))) return fail(Errc::malformed);
  }
  for (const auto& [id, inode] : contents.inodes) {
    if (!gaps_.holds(node, inode_key(id))) return fail(Errc::malformed);
  }
  gaps_.close(node);
  hashes_.insert_or_assign(node, hash);
  for (auto& [id, inode] : contents.inodes) {
    inodes_.insert_or_assign(id, inode);
    // A name of it that was read before it.
    const auto name = entries_.find(inode->place);
    if (name != entries_.end() && name->second.id == id) put(name->first, {id, kind_of(id)});
  }
  for (const auto& [place, id] : contents.names) put(place, {id, kind_of(id)});
  if (!gaps_.empty()) return {};
  for (auto& [place, target] : entries_) {
    if (target.kind == TargetKind::unread) put(place, {target.id, kind_of(target.id)});
  }
  return {};
}

}  // namespace spotfs
