// The keys that names, inodes and runs have in a snapshot.
//
// Thread: pure functions. Source: files.md, "State".
#pragma once

#include <string_view>

#include "fs/index/stamp.hpp"

namespace spotfs {

inline constexpr std::uint8_t kNameKey = 'e', kInodeKey = 'i', kRunKey = 'r';

Bytes name_key(const InodeId& directory, std::string_view name);
// Comes after all names of the directory, and before those of the next one.
Bytes names_end(const InodeId& directory);
Bytes inode_key(const InodeId& id);
Bytes run_key(const RunPrefix& run);

}  // namespace spotfs
