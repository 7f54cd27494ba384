// What all requests of one mount share.
//
// Thread: any. Lifetime: owned by the session, which ends only after the last request.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <unordered_set>

#include <boost/asio/io_context.hpp>

#include "fs/fuse/handles.hpp"
#include "fs/fuse/inodes.hpp"
#include "fs/fuse/listing.hpp"
#include "fs/fuse/operations.hpp"
#include "fs/fuse/signals.hpp"

namespace spotfs::fuse {

class Call;

// The calls that have left their reader thread to wait for something, and the releases that nobody asked for.
class Waiting {
 public:
  void add(const std::shared_ptr<Call>& call);
  void remove(const std::shared_ptr<Call>& call);
  void add_release();
  void remove_release();
  void cancel_all(int number);  // those that come later, too
  void wait_empty();
  std::size_t size() const;

 private:
  void removed();

  mutable std::mutex mutex_;
  std::condition_variable empty_;
  std::unordered_set<std::shared_ptr<Call>> calls_;
  std::size_t releases_ = 0;
  int cancelled_ = 0;
};

// Whether the kernel may still be told something: pollers may outlive the session.
using Lifeline = spot::Synchronized<bool>;

struct Directory {
  explicit Directory(NodePtr n) : node{std::move(n)} {}
  NodePtr node;
  spot::Synchronized<Listing> listing;
};

struct Core {
  Core(asio::io_context& context, NodePtr root) : io{context}, inodes{std::move(root)} {}

  asio::io_context& io;
  Inodes inodes;
  Handles<OpenFile> files;
  Handles<Directory> directories;
  Counters counters{};
  Waiting waiting;
  std::shared_ptr<Lifeline> lifeline = std::make_shared<Lifeline>(true);
  std::function<void(std::string_view)> log;
  mode_t file_mask = 0, directory_mask = 0;
  std::chrono::milliseconds interrupt_patience{0};
  std::function<std::optional<Signals>(pid_t tid)> pending_signals;
  std::atomic<bool> initialised{false};           // the kernel's INIT is being answered
  std::atomic<bool> parallel_directories{false};  // the answer to INIT has to say so yet
  std::atomic<bool> stopping{false};              // what comes now is answered ENETDOWN

  // One line about what went wrong in `where`.
  void say(std::string_view where, std::string_view what) const noexcept;
  // Runs the release of a file of which the kernel knows nothing (any more).
  void release(std::shared_ptr<OpenFile> file);
  void release_all();
};

}  // namespace spotfs::fuse
