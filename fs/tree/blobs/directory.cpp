#include "fs/tree/blobs/directory.hpp"

#include <cerrno>

#include <unistd.h>

#include "fs/index/found.hpp"
#include "fs/tree/blobs/key.hpp"
#include "fs/tree/finish.hpp"

namespace spotfs::tree {
namespace {

constexpr std::uint32_t kFoundMode = 0600;  // of a name that was found on the store

}  // namespace

Attributes BlobDirectory::shown(const InodePtr& inode) { return directory_attributes(inode); }

asio::awaitable<Result<void>> BlobDirectory::check_now(Caller caller, int mask) { return access(caller, mask); }

asio::awaitable<Result<spotfs::Entry>> BlobDirectory::find(std::string name) {
  Result<spotfs::Entry> found = tree().options.index->lookup_now(id(), name);
  if (!found && found.error() == std::errc::operation_would_block)
    found = co_await tree().options.index->lookup(id(), std::move(name));
  co_return found;
}

NodePtr BlobDirectory::node_of(const std::string& name, const spotfs::Entry& entry) {
  return tree().nodes.get(entry.id, [&]() -> NodePtr {
    std::string path = path_.empty() ? name : path_ + "/" + name;
    if (entry.inode->is_directory())
      return std::make_shared<BlobDirectory>(shared_tree(), entry.id, entry.inode, std::move(path));
    return std::make_shared<BlobFile>(shared_tree(), entry.id, entry.inode,
                                      BlobFile::Location{id(), name, std::move(path)});
  });
}

std::shared_ptr<BlobFile> BlobDirectory::file_of(const std::string& name, const spotfs::Entry& entry) {
  return std::dynamic_pointer_cast<BlobFile>(node_of(name, entry));
}

Entry BlobDirectory::entry_of(const std::string& name, const spotfs::Entry& entry) {
  NodePtr node = node_of(name, entry);
  const Attributes attributes = static_cast<InodeNode&>(*node).shown(entry.inode);
  return {std::move(node), attributes, tree().timeout()};
}

asio::awaitable<Result<Entry>> BlobDirectory::lookup(Caller caller, std::string name) {
  const Result<void> allowed = co_await check_now(caller, X_OK);
  if (!allowed) co_return allowed.error();
  Result<spotfs::Entry> found = co_await find(name);
  if (!found && found.error() == std::errc::no_such_file_or_directory) {
    Result<std::string> key = key_of(path_, name);
    if (!key) co_return key.error();
    auto work = discover(self(), name, *std::move(key));
    found = co_await finish(tree().options.executor, std::move(work));
    if (!found && found.error() == Errc::not_found) co_return Entry{NodePtr{}, Attributes{}, tree().timeout()};
  }
  if (!found) co_return found.error();
  co_return entry_of(name, *found);
}

// What is not to be trusted is listed, too: it can be removed and replaced, and says what it is when it is opened.
asio::awaitable<Result<spotfs::Entry>> BlobDirectory::discover(Self self, std::string name, std::string key) {
  BlobTree& tree = self->tree();
  const Result<KeyLocks::Guard> guard = co_await tree.keys.lock(key);
  if (!guard) co_return guard.error();
  const Result<spotfs::Entry> there = co_await self->find(name);
  if (there || there.error() != std::errc::no_such_file_or_directory) co_return there;
  const Result<Versions> known = tree.versions(key, nullptr);
  if (!known) co_return known.error();
  const Answer<Bytes> bottle = co_await tree.options.store->fetch(key);
  if (!bottle) co_return bottle.error().code;
  const Result<Value> value = tree.open(key, *bottle, *known);
  NewInode inode;
  inode.flags = kFound;
  inode.mode = kFoundMode;
  inode.uid = tree.options.access.uid;
  inode.gid = tree.options.access.gid;
  if (value) {
    inode.version = value->version;
    inode.reference = value->inode_reference();
    // Another key may name it, too: what is left of a rename that was cut off.
    if (value->reference) inode.flags |= kSharedChunks;
    if (const Version& version = value->version) {
      inode.flags |= stored_at(key, *version, version);  // whatever is earlier may not come back
      inode.mtime = time_of(*version);
    }
  }
  Result<spotfs::Entry> made = co_await tree.options.index->make(self->id(), name, std::move(inode));
  if (made && value) {
    if (const auto file = self->file_of(name, *made)) file->made(*value);
  }
  co_return made;
}

asio::awaitable<Result<std::vector<Listed>>> BlobDirectory::list(Caller, std::string after, std::size_t limit) {
  const Result<std::vector<NamedEntry>> found = co_await tree().options.index->list(id(), std::move(after), limit);
  if (!found) co_return found.error();
  std::vector<Listed> listed;
  listed.reserve(found->size());
  for (const NamedEntry& one : *found) listed.emplace_back(one.name, entry_of(one.name, {one.id, one.inode}));
  co_return listed;
}

asio::awaitable<Result<void>> BlobDirectory::sync_directory(Caller) { return sync(); }

asio::awaitable<Result<Created>> BlobDirectory::create(Caller caller, std::string name, mode_t mode, int flags) {
  const Result<void> allowed = co_await check_now(caller, W_OK | X_OK);
  if (!allowed) co_return allowed.error();
  Result<std::string> key = key_of(path_, name);
  if (!key) co_return key.error();
  auto work = make_file(self(), caller, name, *std::move(key), mode);
  Result<spotfs::Entry> made = co_await finish(tree().options.executor, std::move(work));
  const bool fresh = made.has_value();
  if (!fresh && made.error() == std::errc::file_exists && (flags & O_EXCL) == 0) made = co_await find(name);
  if (!made) co_return made.error();
  if (made->inode->is_directory()) co_return fail(EISDIR);
  Entry entry = entry_of(name, *made);
  // Whoever makes a file may write to it, whatever its mode says.
  Caller opener = caller;
  if (fresh) opener.uid = 0;
  const Result<Opened> opened = co_await entry.node->open(opener, fresh ? flags & ~O_TRUNC : flags);
  if (!opened) co_return opened.error();
  co_return Created{std::move(entry), *opened};
}

asio::awaitable<Result<spotfs::Entry>> BlobDirectory::make_file(Self self, Caller caller, std::string name,
                                                                std::string key, mode_t mode) {
  BlobTree& tree = self->tree();
  const Result<KeyLocks::Guard> guard = co_await tree.keys.lock(key);
  if (!guard) co_return guard.error();
  const Result<spotfs::Entry> there = co_await self->find(name);
  if (there) co_return fail(EEXIST);
  if (there.error() != std::errc::no_such_file_or_directory) co_return there.error();
  const Result<Versions> known = tree.versions(key, nullptr);
  if (!known) co_return known.error();
  NewInode inode;
  inode.version = tree.options.index->draw();
  inode.flags = stored_at(key, *inode.version, known->stored);
  inode.mode = mode & kModeBits;
  inode.uid = caller.uid;
  inode.gid = caller.gid;
  const Stamp version = *inode.version;
  Result<Bytes> bottle = tree.sealer.seal(key, version, {});
  if (!bottle) co_return bottle.error();
  const Answer<void> stored = co_await tree.options.store->store(key, *std::move(bottle));
  if (!stored) co_return stored.error().code;
  Result<spotfs::Entry> made = co_await tree.options.index->make(self->id(), name, std::move(inode));
  if (made) {
    const Value empty{std::make_shared<const Bytes>(), version};
    if (const auto file = self->file_of(name, *made)) file->made(empty);
  }
  co_return made;
}

asio::awaitable<Result<Entry>> BlobDirectory::make_node(Caller caller, std::string name, mode_t mode, dev_t) {
  if (!S_ISREG(mode)) co_return fail(EPERM);
  const Result<Created> created = co_await create(caller, std::move(name), mode & kModeBits, O_RDONLY | O_EXCL);
  if (!created) co_return created.error();
  co_return created->entry;
}

asio::awaitable<Result<Entry>> BlobDirectory::make_directory(Caller caller, std::string name, mode_t mode) {
  const Result<void> allowed = co_await check_now(caller, W_OK | X_OK);
  if (!allowed) co_return allowed.error();
  const Result<std::string> path = path_of(path_, name);
  if (!path) co_return path.error();
  NewInode inode;
  inode.kind = Kind::directory;
  inode.mode = mode & kModeBits;
  inode.uid = caller.uid;
  inode.gid = caller.gid;
  const Result<spotfs::Entry> made = co_await tree().options.index->make(id(), name, std::move(inode));
  if (!made) co_return made.error();
  co_return entry_of(name, *made);
}

asio::awaitable<Result<void>> BlobDirectory::remove_directory(Caller caller, std::string name) {
  const Result<void> allowed = co_await check_now(caller, W_OK | X_OK);
  if (!allowed) co_return allowed.error();
  co_return co_await tree().options.index->rmdir(id(), std::move(name));
}

}  // namespace spotfs::tree
