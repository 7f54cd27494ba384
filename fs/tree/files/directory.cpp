#include "fs/tree/files/directory.hpp"

#include <algorithm>
#include <cerrno>

#include <sys/sysmacros.h>
#include <unistd.h>

#include "fs/index/names.hpp"

namespace spotfs::tree {
namespace {

Result<Kind> kind_of(mode_t mode) noexcept {
  switch (mode & S_IFMT) {
    case 0:
    case S_IFREG: return Kind::file;
    case S_IFIFO: return Kind::fifo;
    case S_IFSOCK: return Kind::socket;
    case S_IFCHR: return Kind::character_device;
    case S_IFBLK: return Kind::block_device;
    default: return fail(EINVAL);
  }
}

NewInode new_inode(Kind kind, mode_t mode) {
  NewInode out;
  out.kind = kind;
  out.mode = mode & kModeBits;
  return out;
}

}  // namespace

asio::awaitable<Result<spotfs::Entry>> Directory::find(std::string name) {
  Result<spotfs::Entry> found = index().lookup_now(id(), name);
  if (!found && found.error() == std::errc::operation_would_block)
    found = co_await index().lookup(id(), std::move(name));
  co_return found;
}

NodePtr Directory::hidden(std::string_view name) const {
  if (id() != kRoot) return nullptr;
  const auto there = std::ranges::find(tree().hidden, name, &NamedNode::name);
  return there == tree().hidden.end() ? nullptr : there->node;
}

// What had no other place, shown while there is any.
asio::awaitable<Result<std::optional<spotfs::Entry>>> Directory::lost_and_found() {
  if (id() != kRoot) co_return std::nullopt;
  const Result<std::vector<NamedEntry>> one = co_await index().list(kLostFound, "", 1);
  if (!one) co_return one.error();
  if (one->empty()) co_return std::nullopt;
  const Result<InodePtr> inode = co_await index().inode(kLostFound);
  if (!inode) co_return inode.error();
  co_return spotfs::Entry{kLostFound, *inode};
}

asio::awaitable<Result<Entry>> Directory::lookup(Caller caller, std::string name) {
  const Result<void> allowed = co_await access(caller, X_OK);
  if (!allowed) co_return allowed.error();
  if (name.size() > kMaxName) co_return fail(ENAMETOOLONG);
  if (const NodePtr node = hidden(name)) {
    const Result<Attributes> attributes = co_await node->attributes(caller);
    if (!attributes) co_return attributes.error();
    co_return Entry{node, *attributes, kLongTimeout};
  }
  const Result<spotfs::Entry> found = co_await find(name);
  if (found) co_return tree().entry_of(found->id, found->inode);
  if (found.error() != std::errc::no_such_file_or_directory) co_return found.error();
  if (name == kLostFoundName) {
    const Result<std::optional<spotfs::Entry>> lost = co_await lost_and_found();
    if (!lost) co_return lost.error();
    if (*lost) co_return tree().entry_of((*lost)->id, (*lost)->inode);
  }
  co_return Entry{NodePtr{}, Attributes{}, tree().timeout()};
}

asio::awaitable<Result<std::vector<Listed>>> Directory::list(Caller, std::string after, std::size_t limit) {
  const bool may_show_lost = after < kLostFoundName;
  const Result<std::vector<NamedEntry>> found = co_await index().list(id(), std::move(after), limit);
  if (!found) co_return found.error();
  std::vector<Listed> listed;
  listed.reserve(found->size() + 1);
  for (const NamedEntry& one : *found) listed.emplace_back(one.name, tree().entry_of(one.id, one.inode));
  const bool reaches = found->size() < limit || (!found->empty() && found->back().name > kLostFoundName);
  if (!may_show_lost || !reaches) co_return listed;
  const Result<std::optional<spotfs::Entry>> lost = co_await lost_and_found();
  if (!lost || !*lost) co_return listed;
  const auto place = std::ranges::lower_bound(listed, kLostFoundName, {}, &Listed::name);
  if (place == listed.end() || place->name != kLostFoundName)
    listed.emplace(place, std::string{kLostFoundName}, tree().entry_of((*lost)->id, (*lost)->inode));
  co_return listed;
}

asio::awaitable<Result<void>> Directory::sync_directory(Caller) { return sync(); }

// --- New entries -----------------------------------------------------------------------------------------------------

asio::awaitable<Result<spotfs::Entry>> Directory::make(Caller caller, std::string name, NewInode made) {
  const Result<void> allowed = co_await access(caller, W_OK | X_OK);
  if (!allowed) co_return allowed.error();
  const Result<InodePtr> own = co_await inode();
  if (!own) co_return own.error();
  if (hidden(name)) co_return fail(EEXIST);
  if (name == kLostFoundName) {
    const Result<std::optional<spotfs::Entry>> lost = co_await lost_and_found();
    if (!lost) co_return lost.error();
    if (*lost) co_return fail(EEXIST);
  }
  made.uid = caller.uid;
  made.gid = caller.gid;
  if (((*own)->mode & S_ISGID) != 0) {
    made.gid = (*own)->gid;
    if (made.kind == Kind::directory) made.mode |= S_ISGID;
  }
  co_return co_await index().make(id(), std::move(name), std::move(made));
}

asio::awaitable<Result<Created>> Directory::create(Caller caller, std::string name, mode_t mode, int flags) {
  NewInode inode = new_inode(Kind::file, mode);
  Result<spotfs::Entry> made = co_await make(caller, name, std::move(inode));
  const bool fresh = made.has_value();
  if (!fresh && made.error() == std::errc::file_exists && (flags & O_EXCL) == 0) made = co_await find(name);
  if (!made) co_return made.error();
  if (made->inode->is_directory()) co_return fail(EISDIR);
  Entry entry = tree().entry_of(made->id, made->inode);
  // Whoever makes a file may write to it, whatever its mode says.
  Caller opener = caller;
  if (fresh) opener.uid = 0;
  const Result<Opened> opened = co_await entry.node->open(opener, fresh ? flags & ~O_TRUNC : flags);
  if (!opened) co_return opened.error();
  co_return Created{std::move(entry), *opened};
}

asio::awaitable<Result<Entry>> Directory::make_directory(Caller caller, std::string name, mode_t mode) {
  NewInode inode = new_inode(Kind::directory, mode);
  const Result<spotfs::Entry> made = co_await make(caller, std::move(name), std::move(inode));
  if (!made) co_return made.error();
  co_return tree().entry_of(made->id, made->inode);
}

asio::awaitable<Result<Entry>> Directory::make_node(Caller caller, std::string name, mode_t mode, dev_t device) {
  const Result<Kind> kind = kind_of(mode);
  if (!kind) co_return kind.error();
  NewInode inode = new_inode(*kind, mode);
  if (*kind == Kind::character_device || *kind == Kind::block_device) inode.device = {major(device), minor(device)};
  const Result<spotfs::Entry> made = co_await make(caller, std::move(name), std::move(inode));
  if (!made) co_return made.error();
  co_return tree().entry_of(made->id, made->inode);
}

asio::awaitable<Result<Entry>> Directory::make_symlink(Caller caller, std::string name, std::string target) {
  if (target.size() > kMaxTarget) co_return fail(ENAMETOOLONG);
  NewInode inode = new_inode(Kind::symlink, 0777);
  inode.target = std::move(target);
  const Result<spotfs::Entry> made = co_await make(caller, std::move(name), std::move(inode));
  if (!made) co_return made.error();
  co_return tree().entry_of(made->id, made->inode);
}

asio::awaitable<Result<Entry>> Directory::link(Caller caller, NodePtr node, std::string name) {
  const auto linked = std::dynamic_pointer_cast<InodeNode>(node);
  if (!linked || &linked->disk() != &tree()) co_return fail(EXDEV);
  if (hidden(name)) co_return fail(EEXIST);
  const Result<void> allowed = co_await access(caller, W_OK | X_OK);
  if (!allowed) co_return allowed.error();
  const Result<void> done = co_await index().link(linked->id(), id(), std::move(name));
  if (!done) co_return done.error();
  const Result<InodePtr> inode = co_await index().inode(linked->id());
  if (!inode) co_return inode.error();
  co_return tree().entry_of(linked->id(), *inode);
}

// --- Names that go ---------------------------------------------------------------------------------------------------

asio::awaitable<Result<void>> Directory::unlink(Caller caller, std::string name) {
  if (hidden(name)) co_return fail(EISDIR);
  const Result<void> allowed = co_await access(caller, W_OK | X_OK);
  if (!allowed) co_return allowed.error();
  const Result<spotfs::Entry> gone = co_await index().unlink(id(), std::move(name));
  if (!gone) co_return gone.error();
  co_await tree().lost_name(*gone);
  co_return Result<void>{};
}

asio::awaitable<Result<void>> Directory::remove_directory(Caller caller, std::string name) {
  if (hidden(name)) co_return fail(EPERM);
  const Result<void> allowed = co_await access(caller, W_OK | X_OK);
  if (!allowed) co_return allowed.error();
  co_return co_await index().rmdir(id(), std::move(name));
}

asio::awaitable<Result<void>> Directory::rename(Caller caller, std::string name, NodePtr to, std::string to_name,
                                                RenameMode mode) {
  const auto target = std::dynamic_pointer_cast<Directory>(to);
  if (!target || &target->tree() != &tree()) co_return fail(EXDEV);
  if (hidden(name) || target->hidden(to_name)) co_return fail(EPERM);
  const Result<void> allowed = co_await access(caller, W_OK | X_OK);
  if (!allowed) co_return allowed.error();
  const Result<void> allowed_there = co_await target->access(caller, W_OK | X_OK);
  if (!allowed_there) co_return allowed_there.error();
  if (mode == RenameMode::exchange)
    co_return co_await index().exchange(id(), std::move(name), target->id(), std::move(to_name));
  const Existing existing = mode == RenameMode::no_replace ? Existing::keep : Existing::replace;
  const Result<std::optional<spotfs::Entry>> replaced =
      co_await index().move(id(), std::move(name), target->id(), std::move(to_name), existing);
  if (!replaced) co_return replaced.error();
  if (*replaced) co_await tree().lost_name(**replaced);
  co_return Result<void>{};
}

}  // namespace spotfs::tree
