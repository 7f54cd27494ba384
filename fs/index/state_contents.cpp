// A whole state, taken out and put in again.
#include <algorithm>

#include "fs/index/frozen.hpp"

namespace spotfs {

using spot::fail;

State::Contents State::contents() const {
  Contents out;
  out.names.reserve(entries_.size());
  out.inodes.reserve(inodes_.size());
  for (const auto& [place, target] : entries_) out.names.emplace_back(place, target.id);
  for (const auto& [id, inode] : inodes_) out.inodes.emplace_back(id, inode);
  return out;
}

Result<State> State::of(const StateOptions& options, Contents contents, Gaps gaps) {
  State out{options};
  for (auto& [id, inode] : contents.inodes) out.inodes_.insert_or_assign(id, std::move(inode));
  for (const auto& [place, id] : contents.names) out.put(place, {id, out.kind_of(id)});
  out.gaps_ = std::move(gaps);
  out.is_unchecked_ = !out.gaps_.empty();
  for (const BlobId& node : out.gaps_.lost_nodes()) out.close_fixed_in(node);
  if (out.is_unchecked_) return out;
  if (const Result<void> sound = out.check(); !sound) return sound.error();
  return out;
}

Result<void> State::check() const {
  std::map<InodeId, std::uint64_t> names;
  for (const auto& [place, target] : entries_) {
    const Inode* const there = find(target.id);
    if (!there || there->links == 0 || !is_directory(place.directory)) return fail(Errc::malformed);
    if (there->is_directory() && there->place != place) return fail(Errc::malformed);
    ++names[target.id];
  }
  std::set<InodeId> rooted{kFixed.begin(), kFixed.end()};
  for (const auto& [id, inode] : inodes_) {
    const bool is_top = is_fixed(id);
    const auto named = names.find(id);
    const std::uint64_t count = named == names.end() ? 0 : named->second;
    switch (inode->kind) {
      case Kind::alias: {
        if (is_top) return fail(Errc::malformed);
        const Inode* const meant = find(inode->alias_of);
        if (count != 0 || inode->alias_of == id || (meant && meant->kind == Kind::alias)) return fail(Errc::malformed);
        break;
      }
      case Kind::removed:
        if (is_top || count != 0 || inode->links != 0) return fail(Errc::malformed);
        break;
      case Kind::directory:
        if (count != (is_top ? 0U : 1U) || inode->links != 1 || !is_rooted(id, rooted)) return fail(Errc::malformed);
        break;
      default:
        if (is_top || count != inode->links || count == 0) return fail(Errc::malformed);
    }
  }
  return {};
}

// Does the way up end at a fixed directory? What is found on it needs no second look.
bool State::is_rooted(InodeId directory, std::set<InodeId>& rooted) const {
  std::set<InodeId> way;
  while (!rooted.contains(directory)) {
    if (!is_directory(directory) || !way.insert(directory).second) return false;
    directory = inodes_.at(directory)->place.directory;
  }
  rooted.merge(way);
  return true;
}

void prune(Frozen& frozen, const Included& base) {
  std::erase_if(frozen.contents.inodes, [&](const auto& entry) {
    const Inode& inode = *entry.second;
    return (inode.kind == Kind::removed || inode.kind == Kind::alias) && base.has(inode.since);
  });
}

}  // namespace spotfs
