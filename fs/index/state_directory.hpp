// Where a machine keeps what it must not lose of the disks that it mounts.
//
//   STATE/<identity>/sources/<hash of a source>   the id of the store that the source had
//   STATE/<identity>/<store>/id                   its sealed .spotfs/id
//   STATE/<identity>/<store>/<n>/                 the state directory of one writer: lock, journal
//
// A writer's directory is locked while its mount lives, drain included.
// Thread: values; each directory belongs to who locked it. Errors: bad_permissions where a directory is someone else's;
// those of the system. The texts name the path. Source: files.md, "The state directory".
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "client/base/failure.hpp"
#include "client/crypto/hash.hpp"
#include "fs/content/reference.hpp"

namespace spotfs {

using spot::Answer;
using spot::Failure;

// A directory of its own for one mount, until it is destroyed. Move-only.
class LockedDirectory {
 public:
  enum class Busy { living, draining };

  // Makes the directory if need be.
  static Answer<std::variant<LockedDirectory, Busy>> take(const std::filesystem::path& directory);
  LockedDirectory(LockedDirectory&& other) noexcept
      : path_{std::move(other.path_)}, lock_{std::exchange(other.lock_, -1)} {}
  LockedDirectory& operator=(LockedDirectory&& other) noexcept;
  ~LockedDirectory();

  const std::filesystem::path& path() const noexcept { return path_; }
  // Tells those who want the directory that it is worth waiting for.
  void set_draining() noexcept;

 private:
  LockedDirectory(std::filesystem::path path, int lock) : path_{std::move(path)}, lock_{lock} {}

  std::filesystem::path path_;
  int lock_ = -1;
};

// All that is kept for one identity.
class StateRoot {
 public:
  // `identity`: the hash of its self key. Makes what is missing, mode 0700; refuses a `state` that is not ours alone.
  static Answer<StateRoot> open(const std::filesystem::path& state, const spot::Sha256& identity);

  std::optional<BlobId> store_of(const std::string& source) const;
  Answer<void> set_store_of(const std::string& source, const BlobId& store) const;
  std::optional<Bytes> sealed_id(const BlobId& store) const;
  Answer<void> keep_sealed_id(const BlobId& store, BytesView sealed) const;
  // 32 random bytes that copies in the disk cache are sealed with, made at their first use.
  Answer<spot::SecretBytes> cache_secret() const;
  // The name of a directory of this identity alone.
  std::string name() const { return path_.filename().string(); }

  // The directories of writers that are there, in the order in which mounts should try them.
  std::vector<std::filesystem::path> writers(const BlobId& store) const;
  // One more, that is not there yet.
  std::filesystem::path new_writer(const BlobId& store) const;

 private:
  explicit StateRoot(std::filesystem::path path) : path_{std::move(path)} {}
  std::filesystem::path store_path(const BlobId& store) const;
  std::filesystem::path source_path(const std::string& source) const;

  std::filesystem::path path_;
};

}  // namespace spotfs
