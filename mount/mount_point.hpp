// The directory to mount on.
//
// Thread: one, before the mount. Errors: one line for the user, with the directory's name.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "client/base/descriptor.hpp"
#include "client/base/failure.hpp"

namespace spotfs::mount {

// What is mounted at a place, the uppermost if there are several.
struct MountEntry {
  std::string type;  // "fuse.spotfs"
  std::string source;
  dev_t device = 0;
  std::vector<std::string> options;  // its own, and the filesystem's: "ro", "nosuid", "user_id=0"

  bool has(std::string_view option) const;
  bool is_read_only() const { return has("ro"); }
};

// In the words of /proc/self/mountinfo.
std::optional<MountEntry> find_mount(std::string_view mountinfo, std::string_view directory);
// At present; `directory`: absolute, without symlinks.
std::optional<MountEntry> mount_at(const std::string& directory);

// An absolute path without symlinks, without asking the filesystem that may be there, and be dead.
spot::Answer<std::string> resolve_place(const std::string& directory);

// The type of our mounts.
inline constexpr std::string_view kMountType = "fuse.spotfs";

// An absolute path without symlinks, of a directory where no living spotfs mount is; a dead one (its program is gone)
// has been taken away, nothing else ever is.
spot::Answer<std::string> prepare_mount_point(const std::string& directory);

// For who mounts at such a place: nobody else does until it is closed. None where the directory can't be opened; an
// error where somebody has mounted there meanwhile, or goes on doing so for longer than `limit`.
spot::Answer<spot::Descriptor> reserve_mount_point(const std::string& place, std::chrono::milliseconds limit);

}  // namespace spotfs::mount
