// Which state directory a mount gets, and what others left behind in theirs.
//
// Thread: any. Errors: those of state_directory.hpp; timed_out where a mount that is ending does not end.
// Source: files.md, "The state directory".
#pragma once

#include "fs/index/index.hpp"
#include "fs/index/state_directory.hpp"

namespace spotfs {

// The first directory that nobody uses; one that is draining is waited for; beside living mounts a new one.
asio::awaitable<Answer<LockedDirectory>> take_writer_directory(const StateRoot& root, BlobId store,
                                                               const IndexOptions& options);

// Directories of mounts that were killed, locked for their caller.
std::vector<LockedDirectory> take_abandoned(const StateRoot& root, const BlobId& store);

}  // namespace spotfs
