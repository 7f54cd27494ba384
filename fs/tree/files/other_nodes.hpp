// What has no content in the store: symlinks, FIFOs, sockets and devices. The kernel does all but keep them.
//
// Thread, lifetime: node.hpp.
#pragma once

#include "fs/tree/disk/inode_node.hpp"

namespace spotfs::tree {

class SpecialFile : public InodeNode {
 public:
  using InodeNode::InodeNode;
  Attributes shown(const InodePtr& inode) override { return attributes_of(id(), *inode, disk().timeout()); }
};

class Link final : public SpecialFile {
 public:
  using SpecialFile::SpecialFile;
  asio::awaitable<Result<std::string>> read_link(Caller) override {
    const Result<InodePtr> found = co_await inode();
    if (!found) co_return found.error();
    co_return (*found)->target;
  }
};

}  // namespace spotfs::tree
