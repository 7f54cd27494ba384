#include "fs/tree/files/tree.hpp"

#include "fs/tree/files/directory.hpp"
#include "fs/tree/files/other_nodes.hpp"
#include "fs/tree/files/regular_file.hpp"

namespace spotfs::tree {

NodePtr FilesTree::node_of(const InodeId& id, const InodePtr& inode) {
  return nodes.get(id, [&]() -> NodePtr {
    const auto self = shared_from_this();
    switch (inode->kind) {
      case Kind::file: return std::make_shared<RegularFile>(self, id, inode);
      case Kind::directory: return std::make_shared<Directory>(self, id, inode);
      case Kind::symlink: return std::make_shared<Link>(self, id, inode);
      default: return std::make_shared<SpecialFile>(self, id, inode);
    }
  });
}

Entry FilesTree::entry_of(const InodeId& id, const InodePtr& inode) {
  NodePtr node = node_of(id, inode);
  const Attributes attributes = static_cast<InodeNode&>(*node).shown(inode);
  return {std::move(node), attributes, timeout()};
}

asio::awaitable<void> FilesTree::lost_name(spotfs::Entry entry) {
  if (entry.inode->links != 0 && entry.inode->kind != Kind::removed) co_return;
  if (const auto file = std::dynamic_pointer_cast<RegularFile>(nodes.find(entry.id))) co_await file->detach();
}

}  // namespace spotfs::tree
