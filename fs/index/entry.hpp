// What reads of a disk give, and what changes to it touch.
//
// Thread: values.
#pragma once

#include <cerrno>
#include <string>
#include <system_error>
#include <vector>

#include "fs/index/inode.hpp"

namespace spotfs {

// An inode that is not there any more; std::errc has no name for it.
inline std::error_code stale_inode() noexcept { return {ESTALE, std::generic_category()}; }

struct Entry {
  InodeId id;
  InodePtr inode;
};

struct NamedEntry {
  std::string name;
  InodeId id;
  InodePtr inode;
};

// What an operation of another writer changed: for the kernel's caches.
struct ChangeSet {
  std::vector<InodeId> inodes;
  std::vector<Place> names;
};

}  // namespace spotfs
