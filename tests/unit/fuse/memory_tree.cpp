#include "tests/unit/fuse/memory_tree.hpp"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>

#include "client/base/clock.hpp"

namespace spotfs::test {

using Lock = std::lock_guard<std::mutex>;

class MemoryFile final : public OpenFile {
 public:
  explicit MemoryFile(std::shared_ptr<MemoryNode> node) : node_{std::move(node)} { ++node_->tree_->open_files; }

  asio::awaitable<Result<Content>> read(Caller, std::uint64_t offset, std::size_t size) override {
    const Lock lock{node_->tree_->mutex};
    co_return Content{node_->content_}.part(offset, size);
  }
  asio::awaitable<Result<std::size_t>> write(Caller, Write write) override {
    const Lock lock{node_->tree_->mutex};
    const std::uint64_t offset = write.append ? node_->content_->size() : write.offset;
    Bytes& bytes = node_->writable();
    bytes.resize(std::max<std::size_t>(bytes.size(), offset + write.data.size()));
    std::copy(write.data.begin(), write.data.end(), bytes.begin() + static_cast<std::ptrdiff_t>(offset));
    node_->attributes_.size = bytes.size();
    node_->attributes_.mtime = spot::Clock::system().wall();
    co_return write.data.size();
  }
  asio::awaitable<void> release(Caller) override {
    const Lock lock{node_->tree_->mutex};
    --node_->tree_->open_files;
    ++node_->tree_->releases;
    co_return;
  }

 private:
  std::shared_ptr<MemoryNode> node_;
};

MemoryNode::MemoryNode(std::shared_ptr<MemoryTree> tree, Attributes attributes)
    : tree_{std::move(tree)}, attributes_{attributes} {
  attributes_.inode = ++tree_->last_inode;
  attributes_.links = S_ISDIR(attributes.mode) ? 2 : 1;
  attributes_.timeout = tree_->timeout;
  attributes_.atime = attributes_.mtime = attributes_.ctime = spot::Clock::system().wall();
}

std::shared_ptr<MemoryNode> MemoryNode::make_root(std::shared_ptr<MemoryTree> tree) {
  Attributes attributes;
  attributes.mode = S_IFDIR | 0755;
  return std::make_shared<MemoryNode>(std::move(tree), attributes);
}

std::shared_ptr<MemoryNode> MemoryNode::put(const std::string& name, std::string_view content) {
  const Lock lock{tree_->mutex};
  auto& file = children_[name];
  if (!file) file = child(Caller{}, S_IFREG | 0644);
  file->content_ = std::make_shared<const Bytes>(spot::to_bytes(content));
  file->attributes_.size = content.size();
  return file;
}

std::string MemoryNode::content() const {
  const Lock lock{tree_->mutex};
  return spot::to_string(*content_);
}

Entry MemoryNode::entry() { return {shared_from_this(), attributes_, tree_->timeout}; }

std::shared_ptr<MemoryNode> MemoryNode::child(Caller caller, mode_t mode) {
  Attributes attributes;
  attributes.mode = mode;
  attributes.uid = caller.uid;
  attributes.gid = caller.gid;
  return std::make_shared<MemoryNode>(tree_, attributes);
}

Result<Entry> MemoryNode::add(const std::string& name, std::shared_ptr<MemoryNode> node) {
  if (!S_ISDIR(attributes_.mode)) return fail(ENOTDIR);
  const auto [place, fresh] = children_.try_emplace(name, node);
  if (!fresh) return fail(EEXIST);
  return place->second->entry();
}

Opened MemoryNode::open_file() { return Opened{std::make_shared<MemoryFile>(shared_from_this())}; }

Bytes& MemoryNode::writable() {
  // Whoever still reads the old content keeps it.
  auto copy = std::make_shared<Bytes>(*content_);
  content_ = copy;
  return *copy;
}

void MemoryNode::resize(std::uint64_t size) {
  writable().resize(size);
  attributes_.size = size;
}

asio::awaitable<Result<Attributes>> MemoryNode::attributes(Caller) {
  const Lock lock{tree_->mutex};
  co_return attributes_;
}

asio::awaitable<Result<Attributes>> MemoryNode::set_attributes(Caller, AttributeChanges changes,
                                                               std::shared_ptr<OpenFile>) {
  const Lock lock{tree_->mutex};
  if (changes.mode) attributes_.mode = (attributes_.mode & S_IFMT) | *changes.mode;
  if (changes.uid) attributes_.uid = *changes.uid;
  if (changes.gid) attributes_.gid = *changes.gid;
  if (changes.size) resize(*changes.size);
  if (changes.atime) attributes_.atime = changes.atime->time;
  if (changes.mtime) attributes_.mtime = changes.mtime->time;
  co_return attributes_;
}

asio::awaitable<Result<Space>> MemoryNode::space(Caller) {
  Space space;
  space.blocks = 1000;
  space.blocks_free = 500;
  co_return space;
}

asio::awaitable<Result<Opened>> MemoryNode::open(Caller, int flags) {
  const Lock lock{tree_->mutex};
  if (S_ISDIR(attributes_.mode)) co_return fail(EISDIR);
  if ((flags & O_TRUNC) != 0) resize(0);
  co_return open_file();
}

asio::awaitable<Result<std::string>> MemoryNode::read_link(Caller) {
  const Lock lock{tree_->mutex};
  if (!S_ISLNK(attributes_.mode)) co_return fail(EINVAL);
  co_return target_;
}

asio::awaitable<Result<Entry>> MemoryNode::lookup(Caller, std::string name) {
  const Lock lock{tree_->mutex};
  const auto found = children_.find(name);
  if (found == children_.end()) co_return Entry{NodePtr{}, Attributes{}, tree_->timeout};
  co_return found->second->entry();
}

asio::awaitable<Result<std::vector<Listed>>> MemoryNode::list(Caller, std::string after, std::size_t limit) {
  const Lock lock{tree_->mutex};
  std::vector<Listed> listed;
  for (auto next = children_.upper_bound(after); next != children_.end() && listed.size() < limit; ++next) {
    listed.emplace_back(next->first, next->second->entry());
  }
  co_return listed;
}

asio::awaitable<Result<Created>> MemoryNode::create(Caller caller, std::string name, mode_t mode, int) {
  const Lock lock{tree_->mutex};
  auto file = child(caller, S_IFREG | mode);
  const Result<Entry> added = add(name, file);
  if (!added) co_return added.error();
  Created created{*added, file->open_file()};
  co_return created;
}

asio::awaitable<Result<Entry>> MemoryNode::make_directory(Caller caller, std::string name, mode_t mode) {
  const Lock lock{tree_->mutex};
  co_return add(name, child(caller, S_IFDIR | mode));
}

asio::awaitable<Result<Entry>> MemoryNode::make_node(Caller caller, std::string name, mode_t mode, dev_t device) {
  const Lock lock{tree_->mutex};
  auto node = child(caller, mode);
  node->attributes_.device = device;
  co_return add(name, std::move(node));
}

asio::awaitable<Result<Entry>> MemoryNode::make_symlink(Caller caller, std::string name, std::string target) {
  const Lock lock{tree_->mutex};
  auto node = child(caller, S_IFLNK | 0777);
  node->attributes_.size = target.size();
  node->target_ = std::move(target);
  co_return add(name, std::move(node));
}

asio::awaitable<Result<Entry>> MemoryNode::link(Caller, NodePtr node, std::string name) {
  const Lock lock{tree_->mutex};
  auto linked = std::dynamic_pointer_cast<MemoryNode>(node);
  if (!linked) co_return fail(EXDEV);
  ++linked->attributes_.links;
  co_return add(name, std::move(linked));
}

asio::awaitable<Result<void>> MemoryNode::unlink(Caller, std::string name) {
  const Lock lock{tree_->mutex};
  const auto found = children_.find(name);
  if (found == children_.end()) co_return fail(ENOENT);
  --found->second->attributes_.links;
  children_.erase(found);
  co_return Result<void>{};
}

asio::awaitable<Result<void>> MemoryNode::remove_directory(Caller, std::string name) {
  const Lock lock{tree_->mutex};
  const auto found = children_.find(name);
  if (found == children_.end()) co_return fail(ENOENT);
  if (!found->second->children_.empty()) co_return fail(ENOTEMPTY);
  children_.erase(found);
  co_return Result<void>{};
}

asio::awaitable<Result<void>> MemoryNode::rename(Caller, std::string name, NodePtr to, std::string to_name,
                                                 RenameMode mode) {
  const Lock lock{tree_->mutex};
  const auto directory = std::dynamic_pointer_cast<MemoryNode>(to);
  if (!directory) co_return fail(EXDEV);
  const auto from = children_.find(name);
  if (from == children_.end()) co_return fail(ENOENT);
  const auto there = directory->children_.find(to_name);
  const bool taken = there != directory->children_.end();
  if (mode == RenameMode::exchange) {
    if (!taken) co_return fail(ENOENT);
    std::swap(from->second, there->second);
  } else {
    if (taken && mode == RenameMode::no_replace) co_return fail(EEXIST);
    auto node = from->second;
    children_.erase(from);
    directory->children_[to_name] = std::move(node);
  }
  co_return Result<void>{};
}

asio::awaitable<Result<Bytes>> MemoryNode::get_xattr(Caller, std::string name) {
  const Lock lock{tree_->mutex};
  const auto found = xattrs_.find(name);
  if (found == xattrs_.end()) co_return fail(ENODATA);
  co_return found->second;
}

asio::awaitable<Result<std::vector<std::string>>> MemoryNode::list_xattrs(Caller) {
  const Lock lock{tree_->mutex};
  std::vector<std::string> names;
  for (const auto& [name, value] : xattrs_) names.push_back(name);
  co_return names;
}

asio::awaitable<Result<void>> MemoryNode::set_xattr(Caller, std::string name, Bytes value, XattrMode mode) {
  const Lock lock{tree_->mutex};
  const bool there = xattrs_.contains(name);
  if (there && mode == XattrMode::create) co_return fail(EEXIST);
  if (!there && mode == XattrMode::replace) co_return fail(ENODATA);
  xattrs_[name] = std::move(value);
  co_return Result<void>{};
}

asio::awaitable<Result<void>> MemoryNode::remove_xattr(Caller, std::string name) {
  const Lock lock{tree_->mutex};
  if (xattrs_.erase(name) == 0) co_return fail(ENODATA);
  co_return Result<void>{};
}

}  // namespace spotfs::test
