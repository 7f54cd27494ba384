// Brings the write-ahead log of a database into it, beside its writer: the copying, and the waiting for the disk that
// goes with it, would take half of the writer's time.
//
// Thread: one of its own, with a connection of its own; wake() from any. Lifetime: the destructor waits for what is
// under way. Errors: none; what could not be copied stays in the log, for the next time.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "client/base/sqlite.hpp"

namespace spot::relay {

class Checkpointer {
 public:
  explicit Checkpointer(sqlite::Connection connection);
  ~Checkpointer();
  Checkpointer(const Checkpointer&) = delete;
  Checkpointer& operator=(const Checkpointer&) = delete;

  void wake();

 private:
  void run();

  sqlite::Connection connection_;
  std::mutex mutex_;  // guards the two below
  bool wanted_ = false;
  bool stopping_ = false;
  std::condition_variable changed_;
  std::thread thread_;  // last: it uses the others
};

// Without waiting for readers or a writer.
void checkpoint(sqlite::Connection& connection) noexcept;

}  // namespace spot::relay
