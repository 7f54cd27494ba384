// Which store this is: its `.spotfs/id` is read, made by the first mount of all, or put back where it alone is missing.
//
// A source that had another store before, or whose store has lost everything, is not taken without accept_store: a
// relay must not be able to hand out an empty or a foreign disk for ours.
//
// Thread: any. Errors: wrong_name for a store that changed, rollback for one that lost everything (Failure.text is the
// line for the user); those of the record, the state root and the store. Source: files.md, the table of keys, "The
// state directory".
#pragma once

#include <string>

#include "fs/index/head.hpp"
#include "fs/index/index.hpp"
#include "fs/index/record.hpp"
#include "fs/index/state_directory.hpp"

namespace spotfs {

struct StoreIdentity {
  StoreSecret secret;
  StoreRecord record;
};

// Another mount may make the id at the same moment: who makes one waits `settle`, and takes what is there then.
inline constexpr std::chrono::seconds kSettle{3};

asio::awaitable<Answer<StoreIdentity>> identify_store(std::shared_ptr<const RecordSealer> sealer, const StateRoot& root,
                                                      const IndexOptions& options);

}  // namespace spotfs
