// A file to the disk, for many at once: who asks while that is under way waits for the next time, with all others who
// did.
//
// Thread: any; the file is synced by a thread of its own, which nobody waits for under a lock. Lifetime: the destructor
// answers who waits. Errors: those of the system, with the path as text; stopping.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "client/base/descriptor.hpp"
#include "client/base/failure.hpp"
#include "client/net/one_shot.hpp"

namespace spotfs {

class GroupSync {
 public:
  // Of a file that is there. What its directory says of it is on the disk when this returns.
  static spot::Answer<std::unique_ptr<GroupSync>> open(const std::filesystem::path& file);
  ~GroupSync();
  GroupSync(const GroupSync&) = delete;
  GroupSync& operator=(const GroupSync&) = delete;

  // Returns when all that was written to the file before is on the disk.
  boost::asio::awaitable<spot::Answer<void>> sync();

 private:
  using Done = spot::OneShot<spot::Answer<void>>;
  GroupSync(std::filesystem::path path, spot::Descriptor file);
  void run();

  const std::filesystem::path path_;
  const spot::Descriptor file_;
  std::mutex mutex_;  // guards the two below
  std::vector<Done::Pointer> waiting_;
  bool stopping_ = false;
  std::condition_variable changed_;
  std::thread thread_;  // last: it uses the others
};

}  // namespace spotfs
