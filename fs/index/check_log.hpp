// Reads logs and nodes of snapshots anew, past the copies of this machine, and says what of them can't be had. Where a
// copy is left, the blob is stored again from it.
//
// Thread: any. Errors: the store could not be asked. Memory: one piece, or kReadsAtOnce nodes, and the faults.
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include "fs/index/sealed_store.hpp"

namespace spotfs {

struct LostBlob {
  BlobId id{};
  std::error_code why;       // missing or damaged
  bool is_restored = false;  // it is in the store again
};

// One disk, asked in two ways.
struct TwoStores {
  std::shared_ptr<const SealedStore> origin;  // past all copies
  std::shared_ptr<const SealedStore> copies;  // those of this machine first; null: nothing is stored again
};

asio::awaitable<Answer<std::vector<LostBlob>>> check_log(TwoStores stores, LogList log);
asio::awaitable<Answer<std::vector<LostBlob>>> check_nodes(asio::any_io_executor executor, TwoStores stores,
                                                           std::vector<BlobId> nodes);

}  // namespace spotfs
