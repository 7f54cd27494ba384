// Mounting and unmounting by the kernel, or by fusermount3 where this user may not.
//
// Not libfuse's own: it unmounts whatever is at the directory at the time, and says what went wrong on stderr.
//
// Thread: any; both may start a program and wait for it.
#pragma once

#include <string>

#include <sys/types.h>

#include "client/base/descriptor.hpp"
#include "fs/fuse/session.hpp"

namespace spotfs::fuse {

using spot::Descriptor;

struct KernelMount {
  Descriptor device;  // /dev/fuse, with the mount behind it
  dev_t id = 0;       // st_dev of all that is in it
};

Answer<KernelMount> mount(const SessionOptions& options);

// Lazily: the directory is free at once, programs that are inside keep what they have. Nothing, if what is there is not
// the mount with this id any more.
Answer<void> unmount(const std::string& directory, dev_t id);

}  // namespace spotfs::fuse
