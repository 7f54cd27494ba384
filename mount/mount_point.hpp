// The directory to mount on.
//
// Thread: one, before the mount. Errors: one line for the user, with the directory's name.
#pragma once

#include <optional>
#include <string>

#include <sys/types.h>

#include "client/base/failure.hpp"

namespace spotfs::mount {

// What is mounted at a place, the uppermost if there are several.
struct MountEntry {
  std::string type;  // "fuse.spotfs"
  std::string source;
  dev_t device = 0;
};

// In the words of /proc/self/mountinfo.
std::optional<MountEntry> find_mount(std::string_view mountinfo, std::string_view directory);

// An absolute path without symlinks, of a directory where no living spotfs mount is; a dead one (its program is gone)
// has been taken away, nothing else ever is.
spot::Answer<std::string> prepare_mount_point(const std::string& directory);

}  // namespace spotfs::mount
