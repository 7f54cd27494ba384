#include "mount/relay/sqlite_database.hpp"

#include <algorithm>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

namespace spot::relay {
namespace {

// From so many bytes on the write-ahead log is brought into the database, beside the writer; it can begin anew only
// when it is all there, so that one that never rests does it itself before the log gets too large.
constexpr std::int64_t kCheckpoint = 32 << 20;
constexpr std::int64_t kMostLog = 256 << 20;
constexpr unsigned kPageSize = 4'096;  // bytes, where the database is made
// Bytes of large values that nobody can find any more; beyond them a commit is for the disk, so that they can go.
constexpr std::size_t kMostGivenUp = 64 << 20;

std::int64_t unix_seconds(const Clock& clock) {
  return std::chrono::floor<std::chrono::seconds>(clock.wall()).time_since_epoch().count();
}

}  // namespace

class SqliteDatabase::Loan {
 public:
  static Result<Loan> of(SqliteDatabase& database) {
    auto reader = database.readers_.with([](auto& readers) {
      std::unique_ptr<Reader> last;
      if (!readers.empty()) {
        last = std::move(readers.back());
        readers.pop_back();
      }
      return last;
    });
    if (!reader) {
      auto made = database.make_reader();
      if (!made) return made.error().code;
      reader = std::move(*made);
    }
    return Loan{database, std::move(reader)};
  }
  Loan(Loan&&) = default;
  ~Loan() {
    if (reader_) database_.readers_.with([this](auto& readers) { readers.push_back(std::move(reader_)); });
  }
  Reader* operator->() const noexcept { return reader_.get(); }

 private:
  Loan(SqliteDatabase& database, std::unique_ptr<Reader> reader) : database_{database}, reader_{std::move(reader)} {}
  SqliteDatabase& database_;
  std::unique_ptr<Reader> reader_;
};

Answer<std::unique_ptr<SqliteDatabase>> SqliteDatabase::open(const std::filesystem::path& file, const Quota& quota,
                                                             const Clock& clock) {
  auto writer = Connection::open(file, kPageSize);
  if (!writer) return writer.error();
  if (writer->run("PRAGMA cache_size = -16000"))
    return Failure{Errc::storage_failed, file.string() + ": " + writer->message()};
  const auto page_size = writer->number("PRAGMA page_size");
  if (!page_size) return Failure{page_size.error().code, file.string() + ": " + page_size.error().text};
  if (auto made = create_tables(*writer); !made)
    return Failure{made.error().code, file.string() + ": " + made.error().text};
  auto beside = Connection::open(file, kPageSize);
  if (!beside) return beside.error();
  auto values = std::make_unique<ValueFiles>(file.native() + "-values");
  auto blobs = BlobTable::open(*writer, *values, quota);
  if (!blobs) return blobs.error();
  auto cards = CardTable::open(*writer, quota);
  if (!cards) return cards.error();
  return std::unique_ptr<SqliteDatabase>{new SqliteDatabase{file, clock, std::move(values), std::move(*writer),
                                                            std::move(*beside), std::move(*blobs), std::move(*cards),
                                                            *page_size}};
}

SqliteDatabase::SqliteDatabase(std::filesystem::path file, const Clock& clock, std::unique_ptr<ValueFiles> values,
                               Connection writer, Connection beside, BlobTable blobs, CardTable cards,
                               std::int64_t page_size)
    : file_{std::move(file)},
      clock_{clock},
      page_size_{page_size},
      values_{std::move(values)},
      writer_{std::move(writer)},
      checkpointer_{std::move(beside)},
      blobs_{std::move(blobs)},
      cards_{std::move(cards)},
      disk_queue_{[this](std::vector<Write> batch) {
        const std::error_code done = values_->sync();
        for (const Write& write : batch) write.done(done);
      }},
      queue_{[this](std::vector<Write> batch) { commit(std::move(batch)); }} {
  const auto note = [](void* pages, sqlite3*, const char*, int count) {
    *static_cast<std::atomic<int>*>(pages) = count;
    return SQLITE_OK;
  };
  sqlite3_wal_hook(writer_.native(), note, &wal_pages_);  // in place of automatic checkpoints
}

SqliteDatabase::~SqliteDatabase() {
  disk_queue_.stop();
  queue_.stop();
  if (blobs_.given_up() == 0) return;
  Write last = for_the_disk();
  last.done = [](std::error_code) {};
  std::vector<Write> batch;
  batch.push_back(std::move(last));
  commit(std::move(batch));
  while (releasable_ != 0) release();
}

Answer<std::unique_ptr<SqliteDatabase::Reader>> SqliteDatabase::make_reader() const {
  auto connection = Connection::open(file_, kPageSize);
  if (!connection) return connection.error();
  auto reader = std::make_unique<Reader>();
  reader->connection = std::move(*connection);
  sqlite3* native = reader->connection.native();
  reader->blob = Statement{
      native, "SELECT value, place FROM blob WHERE owner = (SELECT id FROM identity WHERE hash = ?) AND key = ?"};
  reader->card = Statement{native, "SELECT card FROM card WHERE hash = ?"};
  reader->members = Statement{native, "SELECT subject FROM membership WHERE grp = ? AND valid = 1 LIMIT 10000"};
  reader->given =
      Statement{native, "SELECT grp, valid, issued, encoded FROM membership WHERE subject = ? AND from_card = 0"};
  if (!reader->blob || !reader->card || !reader->members || !reader->given)
    return Failure{Errc::storage_failed, reader->connection.message()};
  return reader;
}

// Everything of a batch in one transaction: a write that its quota refuses fails alone, all else fails them all.
std::error_code SqliteDatabase::apply(const std::vector<Write>& batch, std::vector<std::error_code>& outcomes) {
  if (const auto ec = writer_.run("BEGIN IMMEDIATE")) return ec;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    outcomes[i] = batch[i].apply();
    const bool is_refused = outcomes[i] == Errc::quota_exceeded || outcomes[i] == std::errc::no_space_on_device;
    if (outcomes[i] && (!is_refused || !writer_.in_transaction())) return outcomes[i];
  }
  if (const auto ec = blobs_.before_commit()) return ec;
  return writer_.run("COMMIT");
}

void SqliteDatabase::commit(std::vector<Write> batch) {
  bool durable = release_due_;
  for (const Write& write : batch) durable |= write.durable;

  std::vector<std::error_code> outcomes(batch.size());
  std::error_code failed = durable ? writer_.run("PRAGMA synchronous = FULL") : std::error_code{};
  if (!failed) failed = apply(batch, outcomes);
  if (failed) {
    spdlog::error("{}: {}", file_.string(), writer_.message());
    if (writer_.in_transaction()) writer_.run("ROLLBACK");
    if (blobs_.forget() || cards_.forget()) spdlog::error("{}: {}", file_.string(), writer_.message());
  }
  if (durable && writer_.run("PRAGMA synchronous = NORMAL") && !failed) failed = fail(Errc::storage_failed);
  for (std::size_t i = 0; i < batch.size(); ++i) batch[i].done(failed ? failed : outcomes[i]);
  batch.clear();

  if (durable && !failed) releasable_ = blobs_.newest_given_up();
  if (releasable_ != 0) release();
  release_due_ = releasable_ == 0 && blobs_.given_up() >= kMostGivenUp;
  const std::int64_t log = wal_pages_ * page_size_;
  if (log >= kMostLog) {
    checkpoint(writer_);
  } else if (log >= kCheckpoint) {
    checkpointer_.wake();
  }
}

// What was given up is on the disk as such. A hole takes as long as the disk takes for what was there, so that only
// some are made between two commits.
void SqliteDatabase::release() {
  bool more = false;
  std::error_code failed = writer_.run("BEGIN IMMEDIATE");
  if (!failed) failed = blobs_.release_some(releasable_, more);
  if (!failed) failed = writer_.run("COMMIT");
  if (failed) {
    spdlog::error("{}: {}", file_.string(), writer_.message());
    if (writer_.in_transaction()) writer_.run("ROLLBACK");
  }
  if (failed || !more) {
    releasable_ = 0;
    return;
  }
  Write next;
  next.apply = [] { return std::error_code{}; };
  next.done = [](std::error_code) {};
  static_cast<void>(queue_.push(std::move(next)));  // it stops: the rest goes with its end
}

asio::awaitable<std::error_code> SqliteDatabase::write(WriteQueue& to, Write write) {
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>&, void(std::error_code)>(
      [](auto handler, WriteQueue& queue, Write job) {
        const auto executor = asio::get_associated_executor(handler);
        auto waiting = std::make_shared<decltype(handler)>(std::move(handler));
        const auto resume = [executor, waiting, work = asio::make_work_guard(executor)](std::error_code ec) {
          asio::post(executor, [waiting, ec] { std::move (*waiting)(ec); });
        };
        job.done = resume;
        if (const auto refused = queue.push(std::move(job))) resume(refused);
      },
      asio::use_awaitable, std::ref(to), std::move(write));
}

std::optional<Result<void>> SqliteDatabase::store_blob_now(const BlobName& name, BytesView value) {
  // What takes long is not for the thread of a caller: to bring the write-ahead log into the database, to wait for the
  // disk.
  if (wal_pages_ * page_size_ >= kMostLog || release_due_) return std::nullopt;
  std::error_code outcome;
  Write job;
  job.apply = [&] { return blobs_.store(name, value); };
  job.done = [&](std::error_code ec) { outcome = ec; };
  if (!queue_.commit_now(std::move(job))) return std::nullopt;
  if (outcome) return Result<void>{outcome};
  return Result<void>{};
}

asio::awaitable<Result<Bytes>> SqliteDatabase::fetch_blob(BlobName name) {
  const auto reader = Loan::of(*this);
  if (!reader) co_return reader.error();
  Statement& find = (*reader)->blob;
  const StatementScope scope{find};
  for (;;) {
    const std::uint64_t releases = values_->releases();
    const auto row = find.start(name.owner, name.key);
    if (!row) co_return row.error();
    if (!*row) co_return fail(Errc::not_found);
    const ValueFiles::Place place = find.number(1);
    if (place == 0) co_return to_bytes(find.bytes(0));
    Result<Bytes> value = values_->read(place);
    if (values_->releases() == releases) co_return value;
  }
}

asio::awaitable<Result<void>> SqliteDatabase::store_blob(BlobName name, Bytes value) {
  Write job;
  job.size = name.key.size() + value.size();
  job.apply = [this, name = std::move(name), value = std::move(value)] { return blobs_.store(name, value); };
  const std::error_code ec = co_await write(queue_, std::move(job));
  if (ec) co_return ec;
  co_return Result<void>{};
}

// A transaction that changes nothing would not touch the disk.
Write SqliteDatabase::for_the_disk() {
  Write out;
  out.durable = true;
  out.apply = [this] { return writer_.run("UPDATE sync SET count = count + 1"); };
  return out;
}

asio::awaitable<Result<void>> SqliteDatabase::sync() {
  if (values_->has_unsynced()) {
    Write wait_for_disk;
    const std::error_code failed = co_await write(disk_queue_, std::move(wait_for_disk));
    if (failed) co_return failed;
  }
  const std::error_code ec = co_await write(queue_, for_the_disk());
  if (ec) co_return ec;
  co_return Result<void>{};
}

asio::awaitable<Result<Bytes>> SqliteDatabase::find_card(Sha256 identity) {
  const auto reader = Loan::of(*this);
  if (!reader) co_return reader.error();
  Statement& find = (*reader)->card;
  const StatementScope scope{find};
  const auto row = find.start(identity);
  if (!row) co_return row.error();
  if (!*row) co_return fail(Errc::not_found);
  co_return to_bytes(find.bytes(0));
}

asio::awaitable<Result<bool>> SqliteDatabase::store_card(CardEntry card) {
  Write job;
  job.size = card.card.size();
  // Shared, as the one who waits may be gone when the write is done.
  const auto is_new = std::make_shared<bool>(false);
  const std::int64_t now = unix_seconds(clock_);
  job.apply = [this, card = std::move(card), now, is_new] { return cards_.store(card, now, *is_new); };
  const std::error_code ec = co_await write(queue_, std::move(job));
  if (ec) co_return Result<bool>{boost::system::in_place_error, ec};
  co_return *is_new;
}

asio::awaitable<Result<void>> SqliteDatabase::store_membership(GroupEntry entry) {
  Write job;
  job.size = entry.encoded.size();
  job.apply = [this, entry = std::move(entry)] { return cards_.store_membership(entry, false); };
  const std::error_code ec = co_await write(queue_, std::move(job));
  if (ec) co_return ec;
  co_return Result<void>{};
}

asio::awaitable<Result<std::vector<Sha256>>> SqliteDatabase::members(Sha256 group) {
  const auto reader = Loan::of(*this);
  if (!reader) co_return reader.error();
  Statement& list = (*reader)->members;
  const StatementScope scope{list};
  std::vector<Sha256> members;
  auto row = list.start(group);
  for (; row && *row; row = list.next()) {
    const BytesView subject = list.bytes(0);
    if (subject.size() != Sha256{}.size()) co_return fail(Errc::storage_failed);
    std::ranges::copy(subject, members.emplace_back().begin());
  }
  if (!row) co_return row.error();
  co_return members;
}

asio::awaitable<Result<std::vector<GroupEntry>>> SqliteDatabase::given_to(Sha256 subject) {
  const auto reader = Loan::of(*this);
  if (!reader) co_return reader.error();
  Statement& list = (*reader)->given;
  const StatementScope scope{list};
  std::vector<GroupEntry> entries;
  auto row = list.start(subject);
  for (; row && *row; row = list.next()) {
    GroupEntry& entry = entries.emplace_back();
    const BytesView group = list.bytes(0);
    if (group.size() != entry.group.size()) co_return fail(Errc::storage_failed);
    std::ranges::copy(group, entry.group.begin());
    entry.subject = subject;
    entry.valid = list.number(1) != 0;
    entry.issued = list.number(2);
    entry.encoded = to_bytes(list.bytes(3));
  }
  if (!row) co_return row.error();
  co_return entries;
}

}  // namespace spot::relay
