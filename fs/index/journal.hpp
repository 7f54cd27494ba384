// The journal of one writer: what a kill or a power cut must not take from it.
//
// It holds the writer's id, its log (operations, the pieces that they were put in, the lists of older pieces), every
// (run, counter) before a head with it is stored, the heads seen of others, and what the log no longer needs. A change
// is in it before its call returns. It knows on which machine and as which file it was made, and so whether it was
// copied: two mounts must never be one writer.
//
// Thread: any. Errors: storage_failed, ENOSPC (the disk is full), malformed for a journal that does not read;
// the text names the file. Source: files.md, "The journal", "Copied state directories".
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "fs/index/head.hpp"
#include "fs/index/op.hpp"
#include "fs/index/scrub_mark.hpp"
#include "fs/store/database.hpp"

namespace spotfs {

using spot::Answer;
using spot::Failure;

struct LogPiece {
  std::int64_t number = 0;  // rises in the order of the log
  PieceRef ref;
  RunPrefix run{};       // of its operations
  std::size_t size = 0;  // bytes
  bool stored = false;   // the store has acknowledged it
};

struct LogListBlob {
  std::int64_t number = 0;  // rises in the order of the log
  BlobId id{};
  bool stored = false;
};

class Journal {
 public:
  // Opens, or makes, the journal in a directory that its caller has locked.
  static Answer<std::unique_ptr<Journal>> open(const std::filesystem::path& directory, const std::string& machine_id);

  // --- The writer ----------------------------------------------------------------------------------------------------
  // Was the directory copied from elsewhere? Then become() another writer before anything is stored.
  bool is_copy() const noexcept { return is_copy_; }
  WriterId writer() const;
  // The store has shown it among its writers.
  Answer<void> set_registered();
  bool is_registered() const;
  // With this file all that is in the journal is on the disk: changes are not, when they return.
  std::filesystem::path log_file() const { return database_.file().string() + "-wal"; }
  // Takes a new id, for the same log; `loose` take the place of the operations that are in no piece. Shared: whoever
  // has the old id has these, too.
  Answer<void> become(const WriterId& writer, const std::string& machine_id, const std::vector<Operation>& loose,
                      bool is_shared);
  // The last stamp of those whose contents are another writer's, too. Zero: there are none.
  Stamp shared_until() const;
  Answer<void> set_shared_until(const Stamp& last);

  // --- Operations ----------------------------------------------------------------------------------------------------
  // A content that an operation takes away from an inode.
  struct Replaced {
    std::int64_t number = 0;  // rises in the order of operations
    InodeId inode;
    Reference old;
    std::optional<Reference> now;  // none: the inode is removed, or empty
    bool is_shared = false;        // others may have some of its chunks
  };
  Answer<void> add(const Operation& operation, const std::optional<Replaced>& replaced = {});
  // All operations before `limit` are in the store: what they replaced is trash since `now` (Unix seconds).
  Answer<void> set_committed(const Stamp& limit, std::int64_t now);
  // Trash since `until` or before, `max` of them with numbers after `after`.
  enum class Chunks { own, any };
  Answer<std::vector<Replaced>> replaced(std::int64_t until, Chunks chunks, std::int64_t after, std::size_t max) const;
  // All with numbers up to this one are trash.
  std::int64_t last_settled_replaced() const;
  Answer<void> forget_replaced(std::int64_t row);
  Answer<std::vector<Operation>> operations() const;  // all, by stamp
  Answer<std::vector<Operation>> unstored() const;    // those in no stored piece, by stamp
  std::uint64_t unstored_count() const;
  Answer<std::vector<Operation>> loose(Stamp limit) const;  // those before `limit` that are in no piece, by stamp
  Answer<std::vector<Operation>> loose() const;             // all of them
  Answer<std::vector<Operation>> operations_of(std::int64_t piece) const;
  // Operations in no piece become others, which mean the same.
  Answer<void> replace(const std::vector<Operation>& old, const std::vector<Operation>& now);
  // One in no piece has another content, or has never been: then it has replaced nothing. Its old content is trash, but
  // where another writer has the operation, too: then `shared_until` is the last one left of those.
  Answer<void> amend(const Operation& operation, const std::optional<Operation>& now,
                     const std::optional<Stamp>& shared_until);

  // --- The log -------------------------------------------------------------------------------------------------------
  // A new piece at the end of the log, of operations that are in it from now on; `replaced` leave the log.
  struct NewPiece {
    PieceRef ref;
    std::size_t size = 0;
    std::vector<Stamp> operations;
  };
  Answer<void> add_pieces(const std::vector<NewPiece>& pieces, const std::vector<LogPiece>& replaced);
  Answer<std::vector<LogPiece>> pieces(std::int64_t list) const;  // of a list; 0: those that the head names
  Answer<std::vector<LogPiece>> unstored_pieces() const;
  Answer<void> set_piece_stored(std::int64_t piece);
  Answer<std::vector<LogListBlob>> lists() const;
  // The oldest pieces of the head go to a list: a new one, or `replaced` with more in it.
  Answer<void> add_list(const BlobId& id, const std::vector<LogPiece>& pieces,
                        const std::optional<LogListBlob>& replaced);
  Answer<void> set_list_stored(std::int64_t list);
  // The store does not have it any more: the piece or list is stored again with the next head.
  Answer<void> set_lost(const BlobId& id);

  // --- Heads ---------------------------------------------------------------------------------------------------------
  // Draws the counter of the next head of a run; on the disk when it returns.
  Answer<std::uint64_t> draw_counter(const RunId& run);
  bool knows(const RunId& run, std::uint64_t counter) const;  // was it drawn here?
  std::uint64_t counter() const;                              // the last one drawn; 0: none
  // A head with all pieces of the log is in the store: what the log no longer names is trash since `now` (Unix
  // seconds).
  Answer<void> set_head_stored(std::int64_t now);

  // --- Snapshots -----------------------------------------------------------------------------------------------------
  // The newest that is known, and since when (Unix seconds).
  struct KnownSnapshot {
    Snapshot snapshot;
    std::int64_t since = 0;
  };
  Answer<void> set_snapshot(const KnownSnapshot& known);
  std::optional<KnownSnapshot> snapshot() const;
  // What the log need not say any more leaves it, and the next head must be stored.
  Answer<bool> drop_log(const std::function<bool(const Stamp&)>& is_dropped);

  // --- Trash ---------------------------------------------------------------------------------------------------------
  // Blobs that nothing may name, since then (Unix seconds).
  Answer<void> add_trash(const std::vector<BlobId>& ids, std::int64_t since);
  Answer<std::vector<BlobId>> trash(std::int64_t until) const;  // since then or before, but what no head has left
  Answer<void> remove_trash(const std::vector<BlobId>& ids);
  std::optional<std::int64_t> oldest_trash() const;  // contents too (Unix seconds)
  std::uint64_t trash_count() const;
  Answer<void> set_swept(std::int64_t now);
  std::int64_t swept() const;  // when it was last done; 0: never
  Answer<void> set_heard(std::int64_t now);
  std::int64_t heard() const;  // when all heads of all others were last had; 0: never
  Answer<void> set_scrub_mark(const ScrubMark& mark);
  ScrubMark scrub_mark() const;

  // --- Others --------------------------------------------------------------------------------------------------------
  Answer<void> see(const WriterId& writer, BytesView sealed_head);
  Answer<std::map<WriterId, Bytes>> seen() const;
  Answer<void> forget_head(const WriterId& writer);
  // Counters up to which heads are lost for good.
  Answer<void> set_given_up(const std::map<WriterId, std::uint64_t>& counters);
  std::map<WriterId, std::uint64_t> given_up() const;
  // The newest version of a key's value below blobs/ that was seen.
  Answer<void> see_value(std::string_view key, const Stamp& version);
  Answer<std::optional<Stamp>> seen_value(std::string_view key) const;
  Answer<void> set_known_writers(BytesView encoded);  // all that were ever registered
  std::optional<Bytes> known_writers() const;
  // That all heads of all writers were seen once: from then on the disk is known as it was at some time.
  Answer<void> set_seen_all();
  bool has_seen_all() const;

 private:
  explicit Journal(Database database) : database_{std::move(database)} {}
  Answer<void> prepare(const std::string& machine_id);
  Answer<void> insert(const Operation& operation) const;
  template <class... Args>
  Answer<std::vector<Operation>> read_operations(const char* sql, const Args&... args) const;
  template <class... Args>
  Answer<std::vector<LogPiece>> read_pieces(const char* sql, const Args&... args) const;
  std::uint64_t first_number(const char* sql) const;  // 0: there is none
  std::optional<Bytes> meta(std::string_view name) const;
  Answer<void> set_meta(std::string_view name, BytesView value) const;
  Answer<void> set_time(std::string_view name, std::int64_t seconds);
  std::int64_t time(std::string_view name) const;  // 0: it is not set

  mutable std::mutex mutex_;
  mutable Database database_;  // under mutex_
  WriterId writer_{};          // under mutex_
  bool is_copy_ = false;
};

}  // namespace spotfs
