// A commit: the operations in a journal become pieces of log, and then one store of the head makes all of them the
// others' too.
//
// It may be repeated after any failure, at any step: what was planned is in the journal, ids never get another
// content, and the head is drawn anew. Small pieces are rewritten as full ones, and the oldest ones of a head go to a
// list, so that no head passes kMaxHead.
//
// Thread: one commit of a journal at a time. Errors: those of the journal and the store. Source: files.md, "Commit",
// "Bytes".
#pragma once

#include "fs/index/journal.hpp"
#include "fs/index/sealed_store.hpp"

namespace spotfs {

inline constexpr std::size_t kSmallPiece = kMaxPiece / 2;  // bytes; below, a piece may be rewritten
inline constexpr std::size_t kMaxSmallPieces = 16;         // of them at the end of a log, then they are
inline constexpr std::size_t kMaxListPieces = 1'400;       // of a list, so that it fits into a blob

// The log as the next head will name it.
Answer<LogList> head_log(const Journal& journal);

// Puts the operations before `limit` into pieces, and too many small pieces into fewer.
Answer<void> plan_pieces(Journal& journal, Stamp limit);

// Of a store that shows this head, or none: what of the log it does not name counts as not stored.
Answer<void> store_again_after(Journal& journal, const std::optional<Head>& shown);

// Stores what of the planned log is not stored, then the head. `head` has everything but its counter and log.
asio::awaitable<Answer<void>> store_log_and_head(std::shared_ptr<Journal> journal,
                                                 std::shared_ptr<const SealedStore> store, Head head);

}  // namespace spotfs
