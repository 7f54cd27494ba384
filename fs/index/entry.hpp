// What reads of a disk give, and what changes to it touch.
//
// Thread: values.
#pragma once

#include <string>
#include <vector>

#include "fs/index/inode.hpp"

namespace spotfs {

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
