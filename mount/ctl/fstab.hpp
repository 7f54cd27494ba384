// The line of /etc/fstab for a mount.
//
// Thread: pure functions. Source: fstab(5), systemd.mount(5), filesystem.md, "Mounting".
#pragma once

#include <string>
#include <string_view>

#include "mount/options.hpp"

namespace spotfs::ctl {

struct FstabLine {
  std::string source, directory, type, options;

  // With what separates fields there, and the backslash, as \ooo.
  std::string text() const;
};

// `mount`: source, directory, and what `given` means; that is kept as it is, behind what it lacks.
FstabLine fstab_line(const mount::Options& mount, std::string_view given);

}  // namespace spotfs::ctl
