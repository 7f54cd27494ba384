// The end of a mount: after umount(2) its program stores what is left, and ends; unless the mount is at another place,
// too, by a bind mount or in another mount namespace: then it goes on for that.
//
//   const auto leaving = Leaving::of(mount);   // before the umount: afterwards nobody can be asked
//   ::umount2(…);
//   if (leaving) leaving->wait(progress);
//
// Thread: one; wait() blocks.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include <sys/types.h>

#include "client/base/descriptor.hpp"
#include "mount/ctl/progress.hpp"

namespace spotfs::ctl {

class Leaving {
 public:
  // None: its program is gone, or does not let us ask.
  static std::optional<Leaving> of(const std::string& mount);

  std::chrono::seconds drain() const noexcept { return drain_; }
  // Changes and blobs that were not stored then.
  std::uint64_t left() const noexcept { return left_; }
  // Whether it has ended within this time.
  bool has_ended(std::chrono::milliseconds within) const;
  // Whether the mount is at another place still. What is in another mount namespace is known only where the kernel's
  // list of FUSE connections is mounted.
  bool is_elsewhere() const;

  enum class End {
    ended,
    elsewhere,
    late,     // it goes on, far beyond the time that its drain may take
    stopped,  // `stop` became readable
  };
  End wait(Progress& progress, int stop = -1) const;

 private:
  spot::Descriptor process_;
  dev_t device_ = 0;
  std::optional<ino_t> connection_;  // in that list
  std::chrono::seconds drain_{};
  std::uint64_t left_ = 0;
};

}  // namespace spotfs::ctl
