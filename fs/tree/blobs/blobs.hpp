// blobs/: the identity's keys as files. The path below is the key, the content the value.
//
// Thread: any. Lifetime: disk.hpp; the nodes keep the store, too.
// Errors: beside those of a disk: EILSEQ, EPERM and ENAMETOOLONG for what can be no key (key.hpp), EBADMSG for a
// value that is not the key's or an earlier one than was seen, or a chunk that is not what was stored, EFBIG beyond
// 2^63-1 bytes, ENETDOWN, ETIMEDOUT and what else the store says. Those of a store are close's, or fsync's.
// Source: blobs.md; files.md, "The kernel's caches".
#pragma once

#include "client/crypto/keychain.hpp"
#include "fs/store/blob_store.hpp"
#include "fs/tree/disk/disk.hpp"

namespace spotfs::tree {

enum class PlainValues {
  any,        // a value of another client is a file
  new_names,  // only where this store has never had one of ours
  none,
};

// New names that were found on the store belong to the user of `access`.
struct BlobsOptions : DiskOptions {
  std::shared_ptr<BlobStore> store;            // required
  std::shared_ptr<const spot::Keychain> keys;  // required
  PlainValues plain = PlainValues::any;
  std::size_t cache_limit = std::size_t{64} << 20;  // bytes of clean content
};

Subtree make_blobs(BlobsOptions options);

}  // namespace spotfs::tree
