// The Database of one relay, in a SQLite file; large values are in files beside it.
//
// Writes go through a WriteQueue: a commit survives the end of the process, as it is in the file by then (WAL,
// synchronous=NORMAL), but not that of the machine; sync() waits for the disk to have the large values, beside the
// writer, and is then a commit with synchronous=FULL, which puts the whole write-ahead log on the disk. Reads take one
// of a few connections of their own and run where they are called: from the page cache that is cheaper than a hand-over
// to another thread.
//
// Thread: any. Lifetime: the destructor commits what waits; coroutines that wait hold it alive through the relay.
// Errors: as Database; open() says in its text what an operator needs to know.
#pragma once

#include <atomic>
#include <memory>

#include "client/base/clock.hpp"
#include "client/base/sync.hpp"
#include "mount/relay/checkpointer.hpp"
#include "mount/relay/tables.hpp"
#include "mount/relay/write_queue.hpp"

namespace spot::relay {

class SqliteDatabase final : public Database {
 public:
  static Answer<std::unique_ptr<SqliteDatabase>> open(const std::filesystem::path& file, const Quota& quota,
                                                      const Clock& clock = Clock::system());
  ~SqliteDatabase() override;

  asio::awaitable<Result<Bytes>> fetch_blob(BlobName name) override;
  asio::awaitable<Result<void>> store_blob(BlobName name, Bytes value) override;
  std::optional<Result<void>> store_blob_now(const BlobName& name, BytesView value) override;
  asio::awaitable<Result<void>> sync() override;
  asio::awaitable<Result<Bytes>> find_card(Sha256 identity) override;
  asio::awaitable<Result<bool>> store_card(CardEntry card) override;
  asio::awaitable<Result<void>> store_membership(GroupEntry entry) override;
  asio::awaitable<Result<std::vector<Sha256>>> members(Sha256 group) override;
  asio::awaitable<Result<std::vector<GroupEntry>>> given_to(Sha256 subject) override;

 private:
  // A connection for reading, lent to one caller at a time.
  struct Reader {
    Connection connection;
    Statement blob, card, members, given;
  };
  class Loan;

  SqliteDatabase(std::filesystem::path file, const Clock& clock, std::unique_ptr<ValueFiles> values, Connection writer,
                 Connection beside, BlobTable blobs, CardTable cards, std::int64_t page_size);
  Answer<std::unique_ptr<Reader>> make_reader() const;
  void commit(std::vector<Write> batch);
  std::error_code apply(const std::vector<Write>& batch, std::vector<std::error_code>& outcomes);
  void release();
  Write for_the_disk();
  static asio::awaitable<std::error_code> write(WriteQueue& queue, Write write);

  const std::filesystem::path file_;
  const Clock& clock_;
  const std::int64_t page_size_;  // bytes
  const std::unique_ptr<ValueFiles> values_;
  Connection writer_;  // this and the tables: whoever commits for the queue
  Checkpointer checkpointer_;
  BlobTable blobs_;
  CardTable cards_;
  std::int64_t releasable_ = 0;    // the newest that was given up, is on the disk as such, and still there; 0: none
  std::atomic<int> wal_pages_{0};  // in the write-ahead log after the last commit
  std::atomic<bool> release_due_{false};  // the next commit is for the disk, so that what was given up can go
  Synchronized<std::vector<std::unique_ptr<Reader>>> readers_;
  WriteQueue disk_queue_;  // waits for the disk to have large values
  WriteQueue queue_;       // last: its thread uses the others
};

}  // namespace spot::relay
