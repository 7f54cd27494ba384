// Group commit: one thread takes all writes that wait into one transaction.
//
// A single writer pays for its own transaction; sixty-four share one, so that the cost of the commit (and of the disk,
// where one of them asks for that) is paid once. Where nobody else writes, the caller can commit by itself, which
// spares it two hand-overs.
//
// Thread: push() and stop() from any; the callbacks run on the queue's thread, or on that
// of commit_now(). Lifetime: the destructor stops.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "client/base/result.hpp"

namespace spot::relay {

struct Write {
  std::function<std::error_code()> apply;     // inside the transaction
  std::function<void(std::error_code)> done;  // after it; may run on any thread, so it hands over at once
  std::size_t size = 0;                       // bytes that it holds in memory
  bool durable = false;                       // wants everything up to here on the disk
};

class WriteQueue {
 public:
  // At most this much waits; what comes on top is refused.
  static constexpr std::size_t kMaxWaitingBytes = 64 << 20;
  static constexpr std::size_t kMaxBatchBytes = 16 << 20;

  // `commit` applies a batch in one transaction and calls every `done`.
  explicit WriteQueue(std::function<void(std::vector<Write>)> commit);
  ~WriteQueue();
  WriteQueue(const WriteQueue&) = delete;
  WriteQueue& operator=(const WriteQueue&) = delete;

  // Errors: rate_exceeded, stopping; then `done` is not called.
  std::error_code push(Write write);
  // Commits at once and on this thread, `done` included. False: others write, or it stops; nothing was done.
  bool commit_now(Write write) noexcept;
  // Returns when all that was taken is committed.
  void stop();

 private:
  void run();
  std::vector<Write> take();

  const std::function<void(std::vector<Write>)> commit_;  // by one thread at a time
  std::mutex mutex_;                                      // guards the four below
  std::vector<Write> waiting_;
  std::size_t waiting_bytes_ = 0;
  bool committing_ = false;
  bool stopping_ = false;
  std::condition_variable changed_;
  std::thread thread_;  // last: it uses the others
};

}  // namespace spot::relay
