// Reads a log anew, all of it, and says what can't be had.
//
// Thread: any. Errors: the store could not be asked. Memory: one piece, and the faults.
#pragma once

#include "fs/index/sealed_store.hpp"

namespace spotfs {

struct LostBlob {
  BlobId id{};
  std::error_code why;  // missing or damaged
};

asio::awaitable<Answer<std::vector<LostBlob>>> check_log(std::shared_ptr<const SealedStore> store, LogList log);

}  // namespace spotfs
