#include "fs/tree/blobs/blobs.hpp"

#include "fs/tree/blobs/directory.hpp"

namespace spotfs::tree {
namespace {

// Another writer has moved the file, or changed what it is.
void changed_inode(BlobTree& tree, const InodeId& id) {
  const NodePtr node = tree.nodes.find(id);
  if (!node) return;
  if (const auto file = std::dynamic_pointer_cast<BlobFile>(node)) {
    const Result<InodePtr> inode = tree.options.index->inode_now(id);
    const Place place = inode ? (*inode)->place : Place{};
    const auto directory = std::dynamic_pointer_cast<BlobDirectory>(tree.nodes.find(place.directory));
    if (inode && directory) {
      const std::string& path = directory->path();
      file->moved({place.directory, place.name, path.empty() ? place.name : path + "/" + place.name});
    }
  }
  if (tree.options.notifier) tree.options.notifier->content_changed(node);
}

void changed_name(BlobTree& tree, const Place& place) {
  const NodePtr directory = tree.nodes.find(place.directory);
  if (directory && tree.options.notifier) tree.options.notifier->name_changed(directory, place.name);
}

}  // namespace

Subtree make_blobs(BlobsOptions options) {
  auto tree = std::make_shared<BlobTree>(std::move(options));
  Inode unknown;  // until the index is asked
  unknown.kind = Kind::directory;
  Subtree out;
  out.node = tree->nodes.get(kBlobs, [&]() -> NodePtr {
    return std::make_shared<BlobDirectory>(tree, kBlobs, std::make_shared<const Inode>(unknown), std::string{});
  });
  out.changed = [tree](const ChangeSet& changes) {
    for (const InodeId& id : changes.inodes) changed_inode(*tree, id);
    for (const Place& place : changes.names) changed_name(*tree, place);
  };
  out.flush = flush_of<BlobFile>(tree);
  return out;
}

}  // namespace spotfs::tree
