#include "fs/store/pending_queue.hpp"

#include <iterator>

#include <fcntl.h>

#include "client/base/descriptor.hpp"
#include "fs/store/directories.hpp"

namespace spotfs {

namespace fs = std::filesystem;
using spot::Answer;
using spot::Bytes;
using spot::BytesView;
using spot::Errc;
using spot::Failure;
using Statement = Database::Statement;

namespace {

constexpr unsigned kPageSize = 8'192;             // bytes: a chunk takes six pages
constexpr std::int64_t kLargePages = 2'048;       // worth giving back
constexpr std::chrono::milliseconds kAgain{100};  // after a write that failed
// What was put is on the disk when its transaction has ended; the database is written every 32 MiB.
constexpr const char* kWriter = "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4096;";
// An empty bottle: the key is to be erased.
constexpr const char* kTables =
    "CREATE TABLE IF NOT EXISTS pending (number INTEGER PRIMARY KEY, key BLOB NOT NULL, since INTEGER NOT NULL, "
    "bottle BLOB NOT NULL);";

}  // namespace

Answer<std::unique_ptr<PendingQueue>> PendingQueue::open(const fs::path& directory) {
  const fs::path file = file_in(directory);
  {
    // SQLite gives what it makes beside it the same mode.
    const spot::Descriptor made{::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
    if (!made) return system_failure(file);
  }
  Answer<Database> writer = Database::open(file, kPageSize);
  if (!writer) return writer.error();
  Answer<void> prepared = writer->script(kWriter);
  if (prepared) prepared = writer->script(kTables);
  if (prepared) prepared = sync_directory(directory);
  if (!prepared) return prepared.error();
  Answer<Database> reader = Database::open(file, kPageSize);
  if (!reader) return reader.error();
  std::unique_ptr<PendingQueue> out{new PendingQueue{std::move(*writer), std::move(*reader)}};
  if (const Answer<void> read = out->read_rows(); !read) return read.error();
  out->start();
  return out;
}

Answer<void> PendingQueue::read_rows() {
  const auto row = [&](const Statement& query) {
    Row out;
    out.number = query.number(0);
    out.key = spot::as_text(query.bytes(1));
    out.since = query.number(2);
    out.size = static_cast<std::size_t>(query.number(3));
    out.erases = out.size == 0;
    rows_.push_back(std::move(out));
    return true;
  };
  return reader_.each(row, "SELECT number, key, since, length(bottle) FROM pending ORDER BY number");
}

PendingQueue::~PendingQueue() { stop(); }

void PendingQueue::stop() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

bool PendingQueue::put(Row row, Bottle bottle, Done done) {
  {
    const std::lock_guard lock{mutex_};
    if (stopping_) return false;
    work_.puts.push_back({std::move(row), std::move(bottle), std::move(done)});
  }
  changed_.notify_one();
  return true;
}

void PendingQueue::remove(std::int64_t number) {
  {
    const std::lock_guard lock{mutex_};
    work_.removes.push_back(number);
  }
  changed_.notify_one();
}

void PendingQueue::shrink() {
  {
    const std::lock_guard lock{mutex_};
    work_.shrinks = true;
  }
  changed_.notify_one();
}

Answer<Bytes> PendingQueue::read(std::int64_t number) {
  const std::lock_guard lock{reading_};
  std::optional<Bytes> out;
  const auto row = [&](const Statement& query) {
    out = spot::to_bytes(query.bytes(0));
    return true;
  };
  const Answer<void> read = reader_.each(row, "SELECT bottle FROM pending WHERE number = ?", number);
  if (!read) return read.error();
  if (!out) return Failure{Errc::not_found};
  return *std::move(out);
}

// --- The thread ------------------------------------------------------------------------------------------------------

PendingQueue::Work PendingQueue::take() {
  std::unique_lock lock{mutex_};
  changed_.wait(lock, [this] { return stopping_ || !work_.is_empty(); });
  return std::exchange(work_, Work{});
}

void PendingQueue::run() {
  for (Work work = take(); !work.is_empty(); work = take()) {
    const Answer<void> written = write(work);
    if (!written && !work.removes.empty()) {
      // They go with what comes next: until then they are stored once more at worst, by the next mount.
      std::unique_lock lock{mutex_};
      work_.removes.insert(work_.removes.end(), work.removes.begin(), work.removes.end());
      if (changed_.wait_for(lock, kAgain, [this] { return stopping_; })) work_.removes.clear();
    }
    for (const Put& put : work.puts) put.done(written);
    if (written && work.shrinks) static_cast<void>(do_shrink());
  }
}

Answer<void> PendingQueue::write(const Work& work) {
  if (work.puts.empty() && work.removes.empty()) return {};
  return writer_.transaction([&] {
    Answer<void> done;
    for (const Put& put : work.puts) {
      if (!done) break;
      const BytesView bottle = put.bottle ? BytesView{*put.bottle} : BytesView{};
      done = writer_.run("INSERT INTO pending VALUES (?, ?, ?, ?)", put.row.number, spot::view(put.row.key),
                         put.row.since, bottle);
    }
    for (const std::int64_t number : work.removes) {
      if (done) done = writer_.run("DELETE FROM pending WHERE number = ?", number);
    }
    return done;
  });
}

Answer<void> PendingQueue::do_shrink() {
  std::int64_t pages = 0;
  const auto row = [&](const Statement& query) {
    pages = query.number(0);
    return true;
  };
  Answer<void> done = writer_.each(row, "PRAGMA page_count");
  if (!done || pages < kLargePages) return done;
  done = writer_.script("VACUUM");
  return done ? writer_.script("PRAGMA wal_checkpoint(TRUNCATE)") : done;
}

}  // namespace spotfs
