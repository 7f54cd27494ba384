// The values that are too large for a database's pages, in files beside it: written once, at the end of the newest
// file, where a database would write them twice and in pieces.
//
// A file is 1 GiB of blocks; what is released becomes a hole, and a file of holes alone goes. No place is ever used
// again, even after the machine lost power: the number of each file is drawn from the database, in the transaction that
// first names a place in it.
//
// Thread: read() and sync() from any, the others from the database's writer alone. Errors: not_found for a place whose
// value did not survive the machine; ENOSPC for a full disk; storage_failed. Every one but sync() is a page
// cache's work.
#pragma once

#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>

#include "client/base/bytes.hpp"
#include "client/base/descriptor.hpp"
#include "client/base/result.hpp"
#include "client/base/sync.hpp"

namespace spot::relay {

class ValueFiles {
 public:
  // What a row says of a value: the block that it begins at, and its size in the lower 16 bits.
  using Place = std::int64_t;
  static constexpr std::size_t kSmallest = 8'192, kLargest = 65'535;  // bytes
  static constexpr std::size_t size(Place place) noexcept { return static_cast<std::size_t>(place & 0xFFFF); }

  // Files whose names begin with `prefix`, in its directory.
  explicit ValueFiles(std::filesystem::path prefix);

  // Whether the newest file has room; if not, begin() must come first.
  bool has_room(std::size_t size) const noexcept;
  // Goes on in a file of this number, which no committed row names.
  std::error_code begin(std::int64_t number);
  // The transaction that may have begun a file was rolled back.
  void abandon() noexcept { newest_ = nullptr; }

  Result<Place> add(BytesView value);
  Result<Bytes> read(Place place) const;
  // All that was added before is on the disk; what comes meanwhile does not wait for it.
  std::error_code sync();
  bool has_unsynced() const;  // what a sync() is at counts too
  // Nobody can find it any more; read() of it has no meaning from here on.
  void release(Place place);
  // How often release() was called: a value that was read while it rose may be a hole.
  std::uint64_t releases() const noexcept { return releases_; }

 private:
  std::filesystem::path path_of(std::int64_t number) const;
  Result<std::shared_ptr<Descriptor>> file(std::int64_t number) const;

  const std::filesystem::path prefix_;
  mutable Synchronized<std::map<std::int64_t, std::shared_ptr<Descriptor>>> files_;  // those that are open
  std::shared_ptr<Descriptor> newest_;
  std::int64_t number_ = 0, next_ = 0;  // of the newest file, and of its first free block
  struct Unsynced {
    std::map<std::int64_t, std::shared_ptr<Descriptor>> files;
    bool has_new_file = false;
    bool is_under_way = false;  // some of it was taken by a sync() that has not ended
  };
  Synchronized<Unsynced> unsynced_;
  std::mutex syncing_;  // one at a time: each answers for what an earlier one took
  std::atomic<std::uint64_t> releases_{0};
};

}  // namespace spot::relay
