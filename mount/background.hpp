// A process of its own that goes on when the command has returned, which it does once that process is ready.
//
// Thread: in_background() before there is any other thread; the child may make some. ready() from any one thread.
// Lifetime: Report as long as `work` runs.
#pragma once

#include <chrono>
#include <functional>

#include "mount/outcome.hpp"

namespace spotfs::mount {

class Report {
 public:
  explicit Report(int pipe) noexcept : pipe_{pipe} {}
  // Tells the command that all is well, which ends it with 0; from here on the terminal is let go. False: nobody waits
  // any more, so the mount is not wanted.
  bool ready();
  // Tells it how it failed instead. After ready(): nothing.
  void failed(const Outcome& outcome);

 private:
  bool send(const Outcome& outcome);

  int pipe_;
};

// Forks; the child runs `work` and ends with what it returns, the parent returns what the child reports. A child that
// reports nothing within `limit` is killed.
Outcome in_background(std::chrono::milliseconds limit, const std::function<Exit(Report&)>& work);

}  // namespace spotfs::mount
