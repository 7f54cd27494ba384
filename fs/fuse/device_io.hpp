// Reads and writes of libfuse's, for the kernel's device and for a socket that stands in for it.
//
// The answer to INIT is completed on its way out: libfuse before 3.17 never tells the kernel of FUSE_PARALLEL_DIROPS,
// whatever the filesystem wants, and then one lookup that waits for the network keeps everybody out of its directory.
//
// Thread: the readers, and whoever answers a request. `userdata` of the session is its Core.
#pragma once

#include "fs/fuse/libfuse.hpp"

namespace spotfs::fuse {

fuse_custom_io device_io() noexcept;
fuse_custom_io socket_io() noexcept;

}  // namespace spotfs::fuse
