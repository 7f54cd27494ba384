// A flag of a make below blobs/: its maker met the value on the store, and does not know who has made the key. Whoever
// has, made it with its mode, owner and times, which may still be on their way: so such a make takes no file's name.
//
// Source: files.md, "Apply", rule 3.
#pragma once

#include "fs/index/inode.hpp"

namespace spotfs {

inline constexpr std::uint64_t kFound = 2;

inline bool is_found(const NewInode& inode) noexcept { return inode.kind == Kind::file && (inode.flags & kFound) != 0; }

}  // namespace spotfs
