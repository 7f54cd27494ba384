// The threads that take requests from the kernel and begin to answer them.
//
// Thread: start() once, then stop() by the same thread or never. Lifetime: stop() before libfuse's session goes.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

struct fuse_session;

namespace spotfs::fuse {

class Readers {
 public:
  // `served` is called after each request; `ended`, with what was wrong or nothing, by each reader for which the kernel
  // has no requests any more.
  Readers(fuse_session* session, std::function<void()> served, std::function<void(std::string)> ended);
  Readers(const Readers&) = delete;
  Readers& operator=(const Readers&) = delete;
  ~Readers();

  void start(unsigned count);
  // The request that a reader has begun is carried to its first wait; then the threads are gone.
  void stop();

 private:
  void read_requests();

  fuse_session* session_;
  std::function<void()> served_;
  std::function<void(std::string)> ended_;
  std::vector<std::thread> threads_;
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::condition_variable gone_;
  std::size_t running_ = 0;
};

}  // namespace spotfs::fuse
