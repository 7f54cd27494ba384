// Copies of blobs in a directory of this machine, a file each.
//
// Who gets hold of the directory learns sizes and times, and no more: a copy of a value is sealed once again, with a
// key that is kept elsewhere, and bound to its blob's key; its file is named by a keyed hash. So what a kill cut short,
// what is damaged and what was exchanged is told when it is read: the file goes, and nothing was there. Content is
// bound to its key by its own seal, and kept as it came: who opens it tells, and remove()s it. A file's mtime says when
// it was last used, to the minute.
//
// Several processes may share a directory. Each counts what it adds, and all of it now and then: what they have
// together may be over the limit by a sixteenth for each other one.
//
// Thread: any; make_room() on one at a time. Errors: bad_permissions where the directory is not its user's alone; those
// of the system. The texts name the path.
#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/base/bytes.hpp"
#include "client/base/clock.hpp"
#include "client/base/descriptor.hpp"
#include "client/base/failure.hpp"
#include "client/base/sync.hpp"

namespace spotfs {

using spot::Descriptor;

struct CacheFigures {
  std::uint64_t bytes = 0;  // on the disk, as far as they are counted
  std::uint64_t limit = 0;
  std::uint64_t hits = 0, misses = 0;  // of reads by this process
};

class CacheDirectory {
 public:
  struct Options {
    std::filesystem::path directory;  // is made, mode 0700, with those above it
    spot::SecretBytes secret;
    std::string scope;        // copies of one scope are not there for another: the source, for one
    std::uint64_t limit = 0;  // bytes on the disk
    const spot::Clock* clock = &spot::Clock::system();
  };
  static spot::Answer<std::unique_ptr<CacheDirectory>> open(Options options);

  std::optional<spot::Bytes> read(const std::string& key);
  spot::Answer<void> write(const std::string& key, spot::BytesView bottle);
  // False: there was none.
  bool remove(const std::string& key);

  // Sees to it that `coming` bytes more are within the limit: what was not used for the longest time goes. Reads all of
  // the directory where it must, so it is for a thread that nobody waits for.
  void make_room(std::size_t coming);
  bool is_over_limit() const;
  CacheFigures figures() const;

 private:
  CacheDirectory(Options options, Descriptor directory);
  std::optional<spot::Bytes> find(const std::string& key);
  std::string bound_name(const std::string& key) const;  // what a copy is bound to
  std::string file_name(const std::string& key) const;
  spot::Result<spot::Bytes> open_copy(const std::string& key, spot::Bytes copy) const;
  spot::Answer<void> write_file(const std::string& key, spot::BytesView copy);
  void touch(int file, spot::Clock::Wall last) const;
  bool set_time(int file) const;
  spot::Failure failure() const;  // of the last system call

  struct Copy;
  std::vector<Copy> list() const;
  bool is_being_written(const Copy& copy) const;

  struct Usage {
    bool counted = false;     // all that is there
    std::uint64_t bytes = 0;  // with what was added since
    std::uint64_t added = 0;
  };

  const Options options_;
  const Descriptor directory_;
  const spot::SecretBytes cipher_key_;
  spot::Synchronized<Usage> usage_;
  std::atomic<std::uint64_t> hits_{0}, misses_{0};
};

}  // namespace spotfs
