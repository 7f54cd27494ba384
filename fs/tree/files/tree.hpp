// What all nodes of files/ share, and how they are found.
//
// Thread: any. Lifetime: shared by the nodes.
#pragma once

#include "fs/tree/files/files.hpp"
#include "fs/tree/node.hpp"

namespace spotfs::tree {

class FilesTree : public DiskTree, public std::enable_shared_from_this<FilesTree> {
 public:
  explicit FilesTree(const FilesOptions& options) : DiskTree{options}, hidden{options.hidden} {}

  const std::vector<NamedNode> hidden;

  // The node of an inode: a Directory, a RegularFile, a Link or a SpecialFile.
  NodePtr node_of(const InodeId& id, const InodePtr& inode);
  Entry entry_of(const InodeId& id, const InodePtr& inode);
  // A name is gone by an act of this mount: where it was the last one, what is open goes on, and nothing is stored.
  asio::awaitable<void> lost_name(spotfs::Entry entry);
  void say(const std::string& what) const {
    if (disk.log) disk.log("files/" + what);
  }
};

}  // namespace spotfs::tree
