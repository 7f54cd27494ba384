// blobs/: the identity's keys as files. The path below is the key, the content the value.
//
// Thread: any. Lifetime: the nodes keep the store, the index and the notifier; `executor` must run until the session
// that serves them has ended. What must go on when its caller is interrupted (a store that has begun, and what follows
// from it) runs there.
// Errors: beside those of a disk: EILSEQ, EPERM and ENAMETOOLONG for what can be no key (key.hpp), EFBIG beyond the
// inline limit, EBADMSG for a value that is not the key's or an earlier one than was seen, ENETDOWN, ETIMEDOUT and what
// else the store says. Those of a store are close's, or fsync's.
// Source: blobs.md; files.md, "The kernel's caches".
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "client/base/clock.hpp"
#include "client/crypto/keychain.hpp"
#include "fs/index/index.hpp"
#include "fs/store/blob_store.hpp"
#include "fs/tree/fixed_directory.hpp"
#include "fs/tree/notifier.hpp"

namespace spotfs::tree {

enum class PlainValues {
  any,        // a value of another client is a file
  new_names,  // only where this store has never had one of ours
  none,
};

struct BlobsOptions {
  std::shared_ptr<BlobStore> store;            // required
  std::shared_ptr<Index> index;                // required
  std::shared_ptr<const spot::Keychain> keys;  // required
  asio::any_io_executor executor;              // required
  std::shared_ptr<KernelNotifier> notifier;    // none: the kernel is not told (tests)
  Access access;                               // new names that were found on the store belong to its user
  PlainValues plain = PlainValues::any;
  bool only_writer = false;                         // as the index's: what is cached stays right
  std::chrono::milliseconds refresh{1'000};         // how long what is cached, by us or the kernel, counts as new
  std::size_t dirty_limit = std::size_t{64} << 20;  // bytes not stored yet, in all; writers wait
  std::size_t cache_limit = std::size_t{64} << 20;  // bytes of clean content
  SpaceFunction space;                              // none: zeros
  const spot::Clock* clock = &spot::Clock::system();
  std::function<void(std::string)> log;  // one line that a person should read; any thread
};

struct Blobs {
  NodePtr node;
  // For Index::on_change: what other writers did.
  std::function<void(const ChangeSet&)> changed;
};

Blobs make_blobs(BlobsOptions options);

}  // namespace spotfs::tree
