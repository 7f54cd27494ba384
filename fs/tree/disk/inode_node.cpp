#include "fs/tree/disk/inode_node.hpp"

#include <cerrno>

#include <sys/sysmacros.h>
#include <unistd.h>

#include "client/base/encoding.hpp"
#include "fs/index/walk.hpp"

namespace spotfs::tree {
namespace {

constexpr std::string_view kUser = "user.";
constexpr std::uint64_t kIndexed = std::uint64_t{1} << 62;  // apart from new_inode_number()

mode_t type_of(Kind kind) noexcept {
  switch (kind) {
    case Kind::file: return S_IFREG;
    case Kind::directory: return S_IFDIR;
    case Kind::symlink: return S_IFLNK;
    case Kind::fifo: return S_IFIFO;
    case Kind::socket: return S_IFSOCK;
    case Kind::character_device: return S_IFCHR;
    case Kind::block_device: return S_IFBLK;
    case Kind::alias: return S_IFDIR;
    case Kind::removed: return S_IFREG;
  }
  return S_IFREG;
}

std::size_t size_of(const Xattrs& xattrs) noexcept {
  std::size_t size = 0;
  for (const auto& [name, value] : xattrs) size += name.size() + value.size();
  return size;
}

// The attributes that set() changes; the size is another matter.
Changes to_changes(const AttributeChanges& from, mode_t mode) {
  Changes out;
  if (from.mode) out.mode = *from.mode & kModeBits;
  if (from.clear_setid) {
    // A set-group-id bit without execution means something else (mandatory locks), and stays.
    const mode_t kept = from.mode.value_or(mode) & kModeBits;
    out.mode = kept & ~static_cast<mode_t>((kept & S_IXGRP) != 0 ? S_ISUID | S_ISGID : S_ISUID);
  }
  out.uid = from.uid;
  out.gid = from.gid;
  if (from.atime) out.atime = index_time(from.atime->time);
  if (from.mtime) out.mtime = index_time(from.mtime->time);
  return out;
}

}  // namespace

// FNV-1a over the id: the same after a remount, and in practice unique.
std::uint64_t inode_number(const InodeId& id) noexcept {
  std::uint64_t hash = 14'695'981'039'346'656'037ULL;
  for (const std::uint8_t byte : id.bytes) hash = (hash ^ byte) * 1'099'511'628'211ULL;
  return kIndexed | (hash >> 2);
}

spotfs::Time index_time(Time time) noexcept {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  return {seconds.time_since_epoch().count(), static_cast<std::uint32_t>((time - seconds).count())};
}

Time node_time(const spotfs::Time& time) noexcept {
  return Time{std::chrono::seconds{time.seconds} + std::chrono::nanoseconds{time.nanoseconds}};
}

Attributes attributes_of(const InodeId& id, const Inode& inode, std::chrono::milliseconds timeout) {
  Attributes out;
  out.inode = inode_number(id);
  out.mode = type_of(inode.kind) | static_cast<mode_t>(inode.mode);
  out.links = static_cast<nlink_t>(inode.links);
  out.uid = inode.uid;
  out.gid = inode.gid;
  out.device = ::makedev(inode.device.major, inode.device.minor);
  out.size = out.allocated = inode.kind == Kind::symlink ? inode.target.size() : inode.size();
  out.atime = node_time(inode.atime);
  out.mtime = node_time(inode.mtime);
  out.ctime = node_time(inode.ctime);
  out.timeout = timeout;
  return out;
}

asio::awaitable<Result<InodePtr>> InodeNode::inode() {
  Result<InodePtr> found = disk_->disk.index->inode_now(id_);
  if (!found && found.error() == std::errc::operation_would_block) found = co_await disk_->disk.index->inode(id_);
  if (!found && found.error() != stale_inode()) co_return found.error();
  co_return last_.with([&](InodePtr& last) {
    if (!found) {
      auto gone = std::make_shared<Inode>(*last);
      gone->links = 0;
      last = std::move(gone);
    } else if ((*found)->kind != Kind::removed) {
      last = *found;
    } else if (last->links != 0) {
      auto gone = std::make_shared<Inode>(*last);  // what it was, with its size
      gone->links = 0;
      last = std::move(gone);
    }
    return last;
  });
}

Attributes InodeNode::directory_attributes(const InodePtr& inode) const {
  Attributes out = attributes_of(id_, *inode, disk_->timeout());
  if (inode->links == 0) return out;
  // Its name, its own ".", and ".." of each directory in it; 1 says that this is not known.
  const std::uint64_t directories = disk_->disk.index->subdirectories(id_);
  const bool is_known = directories != std::numeric_limits<std::uint64_t>::max();
  out.links = is_known ? static_cast<nlink_t>(2 + directories) : 1;
  return out;
}

Result<void> InodeNode::check(const InodePtr& inode, const Caller& caller, int mask) {
  return disk_->disk.access.check(attributes_of(id_, *inode, {}), caller, mask);
}

asio::awaitable<Result<void>> InodeNode::set(Changes changes) {
  if (changes == Changes{}) co_return Result<void>{};
  Result<void> done = co_await disk_->disk.index->set(id_, changes);
  if (!done && done.error() == stale_inode()) {
    last_.with([&](InodePtr& last) {
      auto changed = std::make_shared<Inode>(*last);
      changes.apply_to(*changed);
      last = std::move(changed);
    });
    co_return Result<void>{};
  }
  co_return done;
}

asio::awaitable<Result<void>> InodeNode::sync() {
  const Answer<void> done = co_await disk_->disk.index->make_durable();
  if (done) co_return Result<void>{};
  if (done.error().code != Errc::lost) co_return done.error().code;
  const Answer<std::optional<std::string>> lost = co_await find_lost();
  if (!lost) co_return disk_->of_content(lost.error());
  if (!*lost) co_return Result<void>{};
  if (disk_->disk.log) {
    const std::string path = path_of(*disk_->disk.index, id_);
    disk_->disk.log("fsync of " + spot::printable(path) + ": the relay has lost " + spot::printable(**lost) +
                    ", and no copy is left here");
  }
  co_return done.error().code;
}

asio::awaitable<Result<Attributes>> InodeNode::attributes(Caller) {
  const Result<InodePtr> found = co_await inode();
  if (!found) co_return found.error();
  co_return shown(*found);
}

std::optional<Attributes> InodeNode::attributes_now(const Caller&) {
  const Result<InodePtr> found = disk_->disk.index->inode_now(id_);
  if (!found || (*found)->kind == Kind::removed) return std::nullopt;
  last_.with([&](InodePtr& last) { last = *found; });
  return shown(*found);
}

asio::awaitable<Result<Attributes>> InodeNode::set_attributes(Caller caller, AttributeChanges changes,
                                                              std::shared_ptr<OpenFile>) {
  const Result<InodePtr> found = co_await inode();
  if (!found) co_return found.error();
  const Result<void> allowed = disk_->disk.access.check(shown(*found), caller, changes);
  if (!allowed) co_return allowed.error();
  const Result<void> done = co_await set(to_changes(changes, static_cast<mode_t>((*found)->mode)));
  if (!done) co_return done.error();
  co_return co_await attributes(caller);
}

asio::awaitable<Result<void>> InodeNode::access(Caller caller, int mask) {
  const Result<InodePtr> found = co_await inode();
  if (!found) co_return found.error();
  co_return check(*found, caller, mask);
}

asio::awaitable<Result<Space>> InodeNode::space(Caller) { co_return disk_->disk.space ? disk_->disk.space() : Space{}; }

asio::awaitable<Result<Bytes>> InodeNode::get_xattr(Caller, std::string name) {
  const Result<InodePtr> found = co_await inode();
  if (!found) co_return found.error();
  const auto there = (*found)->xattrs.find(name);
  if (there == (*found)->xattrs.end()) co_return fail(ENODATA);
  co_return spot::to_bytes(there->second);
}

asio::awaitable<Result<std::vector<std::string>>> InodeNode::list_xattrs(Caller) {
  const Result<InodePtr> found = co_await inode();
  if (!found) co_return found.error();
  std::vector<std::string> names;
  for (const auto& [name, value] : (*found)->xattrs) names.push_back(name);
  co_return names;
}

asio::awaitable<Result<void>> InodeNode::change_xattr(Caller caller, std::string name, std::optional<Bytes> value,
                                                      XattrMode mode) {
  if (!name.starts_with(kUser)) co_return fail(EOPNOTSUPP);
  const Result<InodePtr> found = co_await inode();
  if (!found) co_return found.error();
  const Result<void> allowed = check(*found, caller, W_OK);
  if (!allowed) co_return allowed.error();
  Xattrs after = (*found)->xattrs;
  const bool there = after.contains(name);
  if (there && mode == XattrMode::create) co_return fail(EEXIST);
  if (!there && (mode == XattrMode::replace || !value)) co_return fail(ENODATA);
  Changes changes;
  if (value) {
    changes.xattrs[name] = after[name] = spot::to_string(*value);
    if (size_of(after) > kMaxXattrs) co_return fail(ENOSPC);
  } else {
    changes.xattrs[name] = std::nullopt;
  }
  co_return co_await set(std::move(changes));
}

asio::awaitable<Result<void>> InodeNode::set_xattr(Caller caller, std::string name, Bytes value, XattrMode mode) {
  return change_xattr(caller, std::move(name), std::move(value), mode);
}

asio::awaitable<Result<void>> InodeNode::remove_xattr(Caller caller, std::string name) {
  return change_xattr(caller, std::move(name), std::nullopt, XattrMode::either);
}

}  // namespace spotfs::tree
