// The disk cache of a mount, and the thread that writes to it.
//
// Thread: one; the stores from any. Lifetime: beyond the loop that uses its store; close() when nobody does any more.
#pragma once

#include <memory>
#include <optional>

#include <boost/asio/thread_pool.hpp>

#include "fs/index/state_directory.hpp"
#include "fs/store/disk_cache.hpp"
#include "mount/options.hpp"

namespace spotfs::mount {

class CachedStore {
 public:
  // `store` with a cache before it; itself where there is none. Errors: a cache that was asked for and can't be had.
  spot::Answer<std::shared_ptr<BlobStore>> open(const Options& options, const StateRoot& state,
                                                std::shared_ptr<BlobStore> store, std::shared_ptr<spot::Client> client,
                                                const spot::Log& log);
  // What it has of that blob. Any thread, once it is open.
  std::optional<Bytes> copy(const std::string& key) const;
  // None: there is no cache.
  std::optional<CacheFigures> figures() const;
  // May what it holds be shown while nobody can be reached?
  bool works_offline() const noexcept { return works_offline_; }
  // Writes what is still to be written.
  void close();

 private:
  std::optional<asio::thread_pool> writer_;
  std::shared_ptr<CacheDirectory> directory_;
  bool works_offline_ = false;
};

}  // namespace spotfs::mount
