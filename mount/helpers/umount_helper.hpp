// umount.spotfs DIR [-flnrv] [-N NAMESPACE] [-t TYPE]: what umount(8) starts, as umount.fuse.spotfs, too. It unmounts,
// and waits until the program of the mount has stored what is left.
//
// Thread: the main thread; there must be no other. Signals: SIGINT, SIGTERM and SIGHUP end the wait, not the drain.
// Source: umount(8), "External helpers".
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client/base/failure.hpp"
#include "mount/outcome.hpp"

namespace spotfs::mount {

Outcome run_umount_helper(std::string_view name, std::span<const char* const> arguments);

struct UmountLine {
  std::string directory;
  std::string name_space;
  std::vector<std::string> flags;  // for umount(8) itself: -f, -l, -n, -r, -v
  bool waits = true;               // not with -l and -f: they are for a program that does not answer
};
spot::Answer<UmountLine> parse_umount_line(std::string_view name, std::span<const char* const> arguments);

}  // namespace spotfs::mount
