// blobs/ and files/ of a mount: two views of one disk.
//
// Thread, lifetime: blobs.hpp, files.hpp of fs/tree. The index is told whom to tell of changes.
#pragma once

#include "fs/tree/blobs/blobs.hpp"

namespace spotfs::mount {

struct DiskSubtrees {
  tree::NodePtr blobs, files;
  std::function<void(const ChangeSet&)> changed;  // tells both what was done to the index
  std::function<asio::awaitable<spot::Result<void>>()> flush;
};

// `options`: of blobs/; what both need is taken from it. `memory`: bytes of chunks and indexes that are kept. `hidden`:
// in files/ itself, by name alone.
DiskSubtrees make_disk_subtrees(tree::BlobsOptions options, std::size_t memory,
                                std::vector<tree::NamedNode> hidden = {});

}  // namespace spotfs::mount
