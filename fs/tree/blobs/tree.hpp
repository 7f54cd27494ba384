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
#include "fs/tree/blobs/versions.hpp"

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

  // What is known of a key, beside what its inode says: the index may not know of it yet, or no more. `inode`: null:
  // there is none. All that is stored from now on is later.
  Result<Versions> versions(const std::string& key, const Inode* inode) const;
  // What a bottle holds, if it may be taken for the value of the key: one that is not is logged, and EBADMSG. Its
  // version is remembered. `known`: of before it was fetched.
  Result<Value> open(const std::string& key, BytesView bottle, const Versions& known) const;
  // Deletes the value of a key, unless another client has stored one since. `known` is what is known of its content.
  // The key is locked. What may not come back is remembered.
  asio::awaitable<Result<void>> erase(std::string key, InodePtr inode, std::optional<KnownValue> known) const;

  bool is_fresh(const KnownValue& known, const Version& indexed) const;
  void say(const std::string& key, std::string_view what) const;
};

}  // namespace spotfs::tree
