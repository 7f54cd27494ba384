// All names below a directory, one by one, each directory before what is in it.
//
// What others change meanwhile may be met or not; a directory that goes is left. The state is read in small parts, so
// that nobody waits for a walk.
//
// Thread: one call at a time. Lifetime: keeps the index. Errors: those of Index::list(); where a node of the snapshot
// is lost, the directory is named, and the walk goes on beside it. Memory: a part of each directory on the way down.
#pragma once

#include <deque>

#include "fs/index/index.hpp"

namespace spotfs {

struct Walked {
  std::string path;
  Place place;
  InodeId id;
  InodePtr inode;
  std::error_code unlisted = {};  // a directory: not all that is in it can be had; only `path` and `id` are set
};

class Walk {
 public:
  // `path`: of the directory; empty, or it ends with a slash.
  Walk(std::shared_ptr<Index> index, const InodeId& directory, std::string path);

  // The next one; none: that was all.
  asio::awaitable<Result<std::optional<Walked>>> next();

 private:
  struct Level {
    InodeId directory;
    std::string path;
    std::string last;  // the name up to which it was read
    std::deque<NamedEntry> part;
    bool is_over = false;  // nothing comes after `part`
  };

  const std::shared_ptr<Index> index_;
  std::vector<Level> levels_;
};

// The inode that a path names, from a directory on: names between slashes, symlinks not followed. The directory itself
// where it is empty.
asio::awaitable<Result<Entry>> find_path(std::shared_ptr<Index> index, InodeId directory, std::string path);

// A path of an inode for a log, from the root or, with blobs/ or lost+found/ before it, from there; as much of it as is
// known in memory.
std::string path_of(const Index& index, InodeId id);

}  // namespace spotfs
