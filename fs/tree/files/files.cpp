#include "fs/tree/files/files.hpp"

#include "fs/tree/files/regular_file.hpp"

namespace spotfs::tree {

Subtree make_files(const FilesOptions& options) {
  auto tree = std::make_shared<FilesTree>(options);
  Inode unknown;  // until the index is asked
  unknown.kind = Kind::directory;
  Subtree out;
  out.node = tree->node_of(kRoot, std::make_shared<const Inode>(unknown));
  out.changed = [tree](const ChangeSet& changes) {
    if (!tree->disk.notifier) return;
    for (const InodeId& id : changes.inodes) {
      if (const NodePtr node = tree->nodes.find(id)) tree->disk.notifier->content_changed(node);
    }
    for (const Place& place : changes.names) {
      if (const NodePtr directory = tree->nodes.find(place.directory))
        tree->disk.notifier->name_changed(directory, place.name);
    }
  };
  out.flush = flush_of<RegularFile>(tree);
  return out;
}

}  // namespace spotfs::tree
