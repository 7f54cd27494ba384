// Between the kernel's structures and the values of fs/tree.
//
// Thread: free of state.
#pragma once

#include <chrono>

#include <sys/stat.h>
#include <sys/statvfs.h>

#include "fs/tree/attributes.hpp"

namespace spotfs::fuse {

using namespace tree;

// For a directory entry whose inode number is not known.
constexpr std::uint64_t unknown_inode = 0xffff'ffff;

struct stat to_stat(const Attributes& attributes) noexcept;
struct statvfs to_statvfs(const Space& space) noexcept;
double to_seconds(std::chrono::milliseconds time) noexcept;

// `which` are libfuse's FUSE_SET_ATTR_*. Times that 64 bits of nanoseconds can't hold become the last whole
// seconds that they can (years 1677 and 2262).
AttributeChanges to_changes(const struct stat& values, int which, Time now) noexcept;
Time to_time(const timespec& time) noexcept;

// What the kernel may be answered: an errno that it takes, and never ENOSYS, after which it would not ask again.
int answerable(int number) noexcept;

}  // namespace spotfs::fuse
