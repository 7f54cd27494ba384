// files/: a disk. Names and inodes are the index's, contents are trees of chunks.
//
// Thread: any. Lifetime: disk.hpp; the nodes keep the contents, too.
// Errors: beside those of a disk: EFBIG beyond 2^63-1 bytes, EBADMSG for a chunk that is not what was stored, ENETDOWN,
// ETIMEDOUT and what else the store says. Those of a store are close's, or fsync's.
// Source: files.md, "Surface", "What survives", "The kernel's caches".
#pragma once

#include "fs/tree/disk/disk.hpp"

namespace spotfs::tree {

struct FilesOptions : DiskOptions {
  std::vector<NamedNode> hidden;  // in files/ itself, reached by name alone, whatever the disk has there
};

Subtree make_files(const FilesOptions& options);

}  // namespace spotfs::tree
