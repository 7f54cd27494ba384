// The other writers of a store: who they are, what each has last said, and what of it is applied.
//
// A head is applied only together with, or after, every head that its writer had seen. One that is older than anyone
// has seen of that writer, or gone, is a rollback, and so is a writer that is gone: it is told, and what was known
// stays in force.
//
// Thread: one call at a time, on its owner's strand; status() from any. Errors: those of the store and the journal.
// Source: files.md, "Refresh", "Freshness", the table of keys.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "client/base/sync.hpp"
#include "fs/index/check_log.hpp"
#include "fs/index/included.hpp"
#include "fs/index/index.hpp"
#include "fs/index/journal.hpp"
#include "fs/index/sealed_store.hpp"

namespace spotfs {

class Peers {
 public:
  // `clock` tells how old a mark of retirement is.
  Peers(std::shared_ptr<const SealedStore> store, std::shared_ptr<Journal> journal, const Clock* clock, Notice notice);

  // What the journal remembers of them.
  Answer<void> load();

  // Adds `self` to the store's writers where it is missing, with all that are known. True: it was there already.
  asio::awaitable<Answer<bool>> enter(WriterId self, Registration registration);
  bool is_retired(const WriterId& writer) const;
  bool has_retired() const;  // any

  struct News {
    std::optional<Head> own;           // the head of this writer that the store shows
    bool own_is_foreign = false;       // someone else stores heads of this writer
    bool own_is_old = false;           // a late store, or it is gone: ours must be stored over it
    std::optional<Snapshot> snapshot;  // the newest that any head names
    std::optional<Failure> failure;    // the first, where not all could be had; the rest is there all the same
  };
  // At the writers and their heads.
  asio::awaitable<News> look();

  struct Logs {
    std::vector<Operation> operations;  // that no snapshot includes, and that were not read before
    std::optional<Failure> failure;     // as above
  };
  enum class Reading { what_is_new, all };
  asio::awaitable<Logs> read_logs(Included included, Reading reading);
  // Everything that the heads of the others name, as they were seen last. Changes nothing, and may run beside the rest.
  struct Named {
    std::vector<Operation> operations;
    std::set<BlobId> blobs;  // pieces and lists
  };
  asio::awaitable<Answer<Named>> read_all_named() const;

  // Reads the list of writers, and the heads and logs of the others, anew. An error: could not be asked.
  asio::awaitable<Answer<std::vector<LogFault>>> check_logs(TwoStores stores) const;
  // May this one be retired by a writer that has just refreshed in full, and to whom `is_kept` says what snapshots
  // hold? not_found, refused.
  asio::awaitable<Answer<void>> may_retire(WriterId writer, std::function<bool(const Stamp&)> is_kept) const;
  asio::awaitable<Answer<void>> retire(WriterId writer, Stamp stamp);
  // Those of the others that have stored nothing since.
  std::vector<WriterId> unchanged_since(const Stamp& stamp) const;
  // Does another name this snapshot, or a newer one, in its head?
  bool is_named_by_another(const Snapshot& snapshot) const;
  // What the store shows now of those that are rolled back is all that there is. Gives who they were.
  asio::awaitable<Answer<std::vector<WriterId>>> accept_older();

  std::map<WriterId, std::uint64_t> seen() const;         // counters of the heads that are applied
  std::uint64_t newest_of(const WriterId& writer) const;  // counter of the latest head that was seen; 0: none
  std::vector<WriterStatus> status() const;
  bool is_complete() const;    // all is applied that the heads say which were seen
  bool are_all_shown() const;  // no head and no writer is hidden or rolled back
  std::size_t count() const;   // all writers that were ever known, this one among them

 private:
  struct Peer {
    Registration registration;
    std::optional<Head> newest;  // the latest head that was seen
    std::uint64_t applied = 0;   // counter of the latest head whose log was read
    std::set<BlobId> pieces;     // that were read
    bool rolled_back = false;    // older than it was here
    bool hidden = false;         // older than another writer has seen
    bool log_lost = false;       // of the latest head
  };
  using Table = std::map<WriterId, Peer>;
  struct LogRead {
    std::vector<Operation> operations;
    std::set<BlobId> pieces;
    std::vector<BlobId> lists;
    std::uint64_t counter = 0;
  };

  asio::awaitable<Answer<void>> refresh_writers();
  asio::awaitable<Answer<void>> refresh_head(WriterId writer);
  asio::awaitable<Answer<LogRead>> read_log(WriterId writer, Head head, const Included& included,
                                            Reading reading) const;
  asio::awaitable<Answer<void>> look_for_hidden();
  std::map<WriterId, std::uint64_t> seen_by_others() const;
  struct Pieces {
    std::vector<PieceRef> pieces;
    std::vector<BlobId> lists;
  };
  asio::awaitable<Answer<Pieces>> list_pieces(LogList log) const;
  asio::awaitable<Answer<Bytes>> fetch_log(BlobId id) const;
  void note_lost_logs(const std::map<WriterId, Failure>& lost);
  asio::awaitable<void> look_at_own(News& news);
  std::map<WriterId, Head> applicable(const std::set<WriterId>& unreadable, Reading reading) const;
  // The list as the store has it, without marks that are too old; empty where it is missing.
  struct Shown {
    Writers writers;
    bool is_missing = false, has_old_marks = false;
  };
  asio::awaitable<Answer<Shown>> shown_writers() const;
  Answer<void> take(const Writers& writers);
  Writers known() const;    // all
  Writers current() const;  // those to be stored: without marks that are too old
  Stamp a_year_ago() const;
  // Is a head that somebody has seen lost for good? Then nobody waits for it.
  bool is_given_up(const WriterId& writer, std::uint64_t counter) const;
  void tell(const std::string& line) const;

  std::shared_ptr<const SealedStore> store_;
  std::shared_ptr<Journal> journal_;
  const Clock* clock_;
  Notice notice_;
  spot::Synchronized<Table> table_;                                 // changed on the strand alone
  spot::Synchronized<std::set<WriterId>> missing_;                  // heads name them, the list of writers does not
  spot::Synchronized<std::map<WriterId, std::uint64_t>> given_up_;  // counters up to which heads are lost for good
};

}  // namespace spotfs
