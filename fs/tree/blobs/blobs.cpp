#include "fs/tree/blobs/blobs.hpp"

#include "fs/tree/blobs/directory.hpp"

namespace spotfs::tree {
namespace {

// The path of what was at a place; none: it is not below blobs/.
std::optional<std::string> path_of(const Index& index, const Place& place) {
  std::string path = place.name;
  for (InodeId above = place.directory; above != kBlobs;) {
    const Result<InodePtr> inode = index.inode_now(above);
    if (!inode || (*inode)->place.name.empty()) return std::nullopt;
    path.insert(0, (*inode)->place.name + "/");
    above = (*inode)->place.directory;
  }
  return path;
}

// Another writer has removed it: what the index knew of its value is remembered elsewhere.
void removed(const BlobTree& tree, const Inode& inode) {
  const std::optional<std::string> key = path_of(*tree.options.index, inode.place);
  if (!key) return;
  const Version least = Versions{*key, {}, &inode}.least;
  if (!least) return;
  const Result<void> seen = tree.options.index->see_value(*key, *least);
  if (!seen) tree.say(*key, "its version was not remembered: " + seen.error().message());
}

// Another writer has moved the file, or changed what it is.
void changed_inode(BlobTree& tree, const InodeId& id) {
  if (const Result<InodePtr> inode = tree.options.index->inode_now(id); inode && (*inode)->kind == Kind::removed)
    removed(tree, **inode);
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
