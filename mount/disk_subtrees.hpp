// blobs/ and files/ of a mount: two views of one disk.
//
// Thread, lifetime: blobs.hpp, files.hpp of fs/tree. The index is told whom to tell of changes.
#pragma once

#include "fs/tree/blobs/blobs.hpp"

namespace spotfs::mount {

struct DiskSubtrees {
  tree::NodePtr blobs, files;
};

// `options`: of blobs/; what both need is taken from it. `memory`: bytes of chunks and indexes that are kept.
DiskSubtrees make_disk_subtrees(tree::BlobsOptions options, std::size_t memory);

}  // namespace spotfs::mount
