// The other writers of a store: who they are, what each has last said, and what of it is applied.
//
// A head is applied only together with, or after, every head that its writer had seen. One that is older than was seen
// of that writer, or gone, is a rollback: it is told, and what was known stays in force.
//
// Thread: one call at a time, on its owner's strand; status() from any. Errors: those of the store and the journal.
// Source: files.md, "Refresh", "Freshness", the table of keys.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <vector>

#include "client/base/sync.hpp"
#include "fs/index/index.hpp"
#include "fs/index/journal.hpp"
#include "fs/index/sealed_store.hpp"

namespace spotfs {

class Peers {
 public:
  Peers(std::shared_ptr<const SealedStore> store, std::shared_ptr<Journal> journal, Notice notice);

  // What the journal remembers of them.
  Answer<void> load();

  // Adds `self` to the store's writers where it is missing, with all that are known. True: it was there already.
  asio::awaitable<Answer<bool>> enter(WriterId self, Registration registration);
  bool is_retired(const WriterId& writer) const;

  struct News {
    std::vector<Operation> operations;  // of the others, new since the last refresh
    std::optional<Head> own;            // the head of this writer that the store shows
    bool own_is_foreign = false;        // someone else stores heads of this writer
    bool own_is_old = false;            // a late store, or it is gone: ours must be stored over it
    std::optional<Failure> failure;     // the first, where not all could be had; the rest is there all the same
  };
  asio::awaitable<News> refresh();

  std::map<WriterId, std::uint64_t> seen() const;  // counters of the heads that are applied
  std::vector<WriterStatus> status() const;
  std::size_t count() const;  // all writers that were ever known, this one among them

 private:
  struct Peer {
    Registration registration;
    std::optional<Head> newest;  // the latest head that was seen
    std::uint64_t applied = 0;   // counter of the latest head whose log was read
    std::set<BlobId> pieces;     // that were read
    bool rolled_back = false;
  };
  using Table = std::map<WriterId, Peer>;
  struct LogRead {
    std::vector<Operation> operations;
    std::set<BlobId> pieces;
    std::uint64_t counter = 0;
  };

  asio::awaitable<Answer<void>> refresh_writers();
  asio::awaitable<Answer<void>> refresh_head(WriterId writer);
  asio::awaitable<Answer<LogRead>> read_log(WriterId writer, Head head) const;
  asio::awaitable<std::vector<Operation>> read_logs(News& news);
  asio::awaitable<Answer<std::vector<PieceRef>>> list_pieces(LogList log) const;
  asio::awaitable<void> look_at_own(News& news);
  std::map<WriterId, Head> applicable(const std::set<WriterId>& unreadable) const;
  Answer<void> take(const Writers& writers);
  Writers known() const;
  void tell(const std::string& line) const;

  std::shared_ptr<const SealedStore> store_;
  std::shared_ptr<Journal> journal_;
  Notice notice_;
  spot::Synchronized<Table> table_;  // changed on the strand alone
};

}  // namespace spotfs
