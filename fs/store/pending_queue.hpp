// What is still to be stored, and to be erased, in a database of this machine: sealed bottles as they will be stored.
//
// What put() has answered for survives a kill and a power cut. All that comes while the database writes goes to the
// disk together, in one transaction with one fsync.
//
// Thread: any; `done` runs on the queue's own thread, in the order of the calls, and hands over at once. Lifetime:
// stop() and the destructor write what was put, and answer. It is for one process at a time: its user has locked the
// directory. Errors: storage_failed, ENOSPC (the disk is full); the text names the file; stopping. Source:
// files.md, "writeback".
#pragma once

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "client/base/failure.hpp"
#include "fs/store/database.hpp"

namespace spotfs {

using Bottle = std::shared_ptr<const spot::Bytes>;

class PendingQueue {
 public:
  struct Row {
    std::int64_t number = 0;  // rises
    std::string key;
    std::size_t size = 0;    // bytes of the bottle
    bool erases = false;     // there is no bottle: what is at the key goes
    std::int64_t since = 0;  // Unix seconds
  };
  using Done = std::function<void(spot::Answer<void>)>;

  static std::filesystem::path file_in(const std::filesystem::path& directory) { return directory / "pending.db"; }
  // Opens, or makes, that of a directory which its caller has locked; mode 0600.
  static spot::Answer<std::unique_ptr<PendingQueue>> open(const std::filesystem::path& directory);
  ~PendingQueue();
  PendingQueue(const PendingQueue&) = delete;
  PendingQueue& operator=(const PendingQueue&) = delete;

  // What was there when it was opened, by number.
  std::vector<Row> take_rows() { return std::move(rows_); }

  // False: it has stopped, and `done` is not called.
  bool put(Row row, Bottle bottle, Done done);
  void remove(std::int64_t number);
  // Gives the disk back what it no longer needs.
  void shrink();
  // Of a row that was put, and has a bottle. not_found: it is removed.
  spot::Answer<spot::Bytes> read(std::int64_t number);
  void stop();

 private:
  struct Put {
    Row row;
    Bottle bottle;
    Done done;
  };
  struct Work {
    std::vector<Put> puts;
    std::vector<std::int64_t> removes;
    bool shrinks = false;
    bool is_empty() const noexcept { return puts.empty() && removes.empty() && !shrinks; }
  };

  PendingQueue(Database writer, Database reader) : writer_{std::move(writer)}, reader_{std::move(reader)} {}
  void start() {
    thread_ = std::thread{[this] { run(); }};
  }
  spot::Answer<void> read_rows();
  void run();
  Work take();
  spot::Answer<void> write(const Work& work);
  spot::Answer<void> do_shrink();

  Database writer_;  // the thread's alone
  std::mutex reading_;
  Database reader_;  // under reading_
  std::vector<Row> rows_;
  std::mutex mutex_;  // guards the two below
  Work work_;
  bool stopping_ = false;
  std::condition_variable changed_;
  std::thread thread_;  // last: it uses the others
};

}  // namespace spotfs
