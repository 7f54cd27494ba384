// A node that the index has an inode for: what files and directories have in common.
//
// Thread, lifetime: node.hpp. Source: files.md, "State".
#pragma once

#include "fs/tree/disk/disk.hpp"
#include "fs/tree/node.hpp"

namespace spotfs::tree {

std::uint64_t inode_number(const InodeId& id) noexcept;
spotfs::Time index_time(Time time) noexcept;
Time node_time(const spotfs::Time& time) noexcept;
// What stat shows of an inode; sizes as the index knows them.
Attributes attributes_of(const InodeId& id, const Inode& inode, std::chrono::milliseconds timeout);

class InodeNode : public Node, public std::enable_shared_from_this<InodeNode> {
 public:
  InodeNode(std::shared_ptr<DiskTree> disk, const InodeId& id, InodePtr inode)
      : disk_{std::move(disk)}, id_{id}, last_{std::move(inode)} {}
  ~InodeNode() override { disk_->nodes.forget(id_); }

  const InodeId& id() const noexcept { return id_; }
  DiskTree& disk() const noexcept { return *disk_; }

  asio::awaitable<Result<Attributes>> attributes(Caller caller) override;
  std::optional<Attributes> attributes_now(const Caller& caller) override;
  asio::awaitable<Result<Attributes>> set_attributes(Caller caller, AttributeChanges changes,
                                                     std::shared_ptr<OpenFile> file) override;
  asio::awaitable<Result<void>> access(Caller caller, int mask) override;
  asio::awaitable<Result<Space>> space(Caller caller) override;
  asio::awaitable<Result<Bytes>> get_xattr(Caller caller, std::string name) override;
  asio::awaitable<Result<std::vector<std::string>>> list_xattrs(Caller caller) override;
  asio::awaitable<Result<void>> set_xattr(Caller caller, std::string name, Bytes value, XattrMode mode) override;
  asio::awaitable<Result<void>> remove_xattr(Caller caller, std::string name) override;

  // All that was changed before is on the store's disk. An error is told where the store has lost something of this
  // file; what it has lost of others is told to them.
  asio::awaitable<Result<void>> sync();
  // As the node shows it: the index's inode, and what this mount has done to it since.
  virtual Attributes shown(const InodePtr& inode) = 0;

 protected:
  Attributes directory_attributes(const InodePtr& inode) const;
  // Of a file that was unlinked so that nothing is left of it: as it last was, without links.
  asio::awaitable<Result<InodePtr>> inode();
  Result<void> check(const InodePtr& inode, const Caller& caller, int mask);
  // The key of something that the store has lost of it. None: there is nothing.
  virtual asio::awaitable<Answer<std::optional<std::string>>> find_lost() {
    co_return Answer<std::optional<std::string>>{std::optional<std::string>{}};
  }
  // Also of an unlinked file that is open.
  asio::awaitable<Result<void>> set(Changes changes);

 private:
  asio::awaitable<Result<void>> change_xattr(Caller caller, std::string name, std::optional<Bytes> value,
                                             XattrMode mode);

  const std::shared_ptr<DiskTree> disk_;
  const InodeId id_;
  spot::Synchronized<InodePtr> last_;
};

// An InodeNode of a subtree that has more than a DiskTree.
template <class Tree, class Base = InodeNode>
class NodeOf : public Base {
 public:
  NodeOf(std::shared_ptr<Tree> tree, const InodeId& id, InodePtr inode)
      : Base{tree, id, std::move(inode)}, tree_{std::move(tree)} {}

 protected:
  Tree& tree() const noexcept { return *tree_; }
  const std::shared_ptr<Tree>& shared_tree() const noexcept { return tree_; }

 private:
  const std::shared_ptr<Tree> tree_;
};

}  // namespace spotfs::tree
