// What all nodes of blobs/ share.
//
// Locks: a file's state may be held while that of the dirty content is taken, and the nodes while the cache is; all
// others are taken alone. A key's lock is held across waits, and any other may be taken under it.
//
// Thread: any. Lifetime: shared by the nodes.
#pragma once

#include "client/base/recent.hpp"
#include "fs/tree/blobs/blobs.hpp"
#include "fs/tree/blobs/key_locks.hpp"
#include "fs/tree/blobs/value.hpp"

namespace spotfs::tree {

// A value that was read or stored, and when.
struct KnownValue {
  Value value;
  spot::Clock::Steady checked{};
  Version indexed;                       // that of the inode then
  std::optional<spotfs::Time> modified;  // where the index does not know
};

class BlobTree : public DiskTree {
 public:
  explicit BlobTree(BlobsOptions blobs_options)
      : DiskTree{blobs_options},
        options{std::move(blobs_options)},
        sealer{options.keys, options.index->store_id()},
        cache{options.cache_limit} {}

  const BlobsOptions options;
  const ValueSealer sealer;
  KeyLocks keys;
  spot::Synchronized<spot::Recent<InodeId, KnownValue>> cache;

  // The newest version that is known of a key, beside that of its inode: the index may not know of it yet, or no more.
  // All that is stored from now on is later.
  Result<Version> newest(const std::string& key, const Version& indexed) const;
  // What a bottle holds, if it may be taken for the value of the key: one that is not is logged, and EBADMSG. Its
  // version is remembered. `known`: the newest version of before it was fetched.
  Result<Value> open(const std::string& key, BytesView bottle, const Version& known) const;
  // Deletes the value of a key, unless another client has stored one since. `known` is what is known of its content,
  // and `size` its size in the index. The key is locked. Its newest version is remembered.
  asio::awaitable<Result<void>> erase(std::string key, Version indexed, std::optional<KnownValue> known,
                                      std::uint64_t size) const;

  bool is_fresh(const KnownValue& known, const Version& indexed) const;
  void say(const std::string& key, std::string_view what) const;
};

}  // namespace spotfs::tree
