// What the versions of a key's values say: which value may not come back.
//
// A version is the inode's, a value the key's. Where two mounts rename one file at the same time, the inode goes one
// way, and the version that it has may be that of the value at the other name; where they store at one key, the later
// version may be that of the value that was stored first. So the flags of an inode say at which key its version was
// stored, and how much earlier the newest one is that its maker knew there: only what is not later has been replaced.
// Bits 2 to 15: of the key's digest, never 0; above, the time between the two, in ms, 65,535 where it is longer or
// there was none. All zero, as in old logs: it was at this key, and its maker knew all that is earlier.
//
// Thread: values and pure functions. Source: blobs.md.
#pragma once

#include <string_view>

#include "fs/index/inode.hpp"

namespace spotfs::tree {

// The flags of a version that was stored at a key.
std::uint64_t stored_at(std::string_view key, const Stamp& version, const Version& known);

// What is known of a key.
struct Versions {
  Version seen;     // the newest that this mount has met
  Version indexed;  // the inode's, wherever that was stored
  Version stored;   // the newest that was stored at this key
  Version least;    // what is earlier has been replaced

  Versions(std::string_view key, const Version& seen_here, const Inode* inode);
};

}  // namespace spotfs::tree
