// What spotfs does, by the name that it is called by.
//
// Thread: the main thread, before there is any other.
#pragma once

#include <span>
#include <string_view>

#include "mount/outcome.hpp"

namespace spotfs::mount {

// spotfs, mount.spotfs, umount.spotfs or umount.fuse.spotfs; `arguments` without that.
Outcome run_program(std::string_view name, std::span<const char* const> arguments);

}  // namespace spotfs::mount
