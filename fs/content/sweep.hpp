// Contents in the trash, until it is known which of them nothing names any more: all of them are put in, all that is
// named is met, and what nobody met is deleted, each content as a whole.
//
//   Sweep sweep{contents};
//   co_await sweep.add(1, old);                     // for each content in the trash
//   co_await sweep.meet(Sweep::By::disk, present);  // for each content that anything names
//   const Answer<Sweep::Swept> swept = co_await sweep.erase();
//
// Thread: one call at a time, and no add() after the first meet(). Errors: those of ContentStore; an index of the disk
// that can't be had is one, as nobody knows what it names. One of the trash or of a log that is missing was deleted.
// Memory: 32 bytes for each blob in the trash, 48 for each index that is met.
#pragma once

#include <functional>
#include <set>

#include "fs/content/content_reader.hpp"

namespace spotfs {

class Sweep {
 public:
  explicit Sweep(std::shared_ptr<ContentStore> contents) : contents_{std::move(contents)} {}

  // `number`: what Swept calls it.
  asio::awaitable<Answer<void>> add(std::int64_t number, Reference content);
  std::size_t size() const noexcept { return blobs_.size(); }

  // The disk as it is now, which keeps what it names; or what may go by itself: a log, a snapshot.
  enum class By : std::uint8_t { disk = 1, history = 2 };
  asio::awaitable<Answer<void>> meet(By by, Reference content);

  struct Swept {
    std::vector<std::int64_t> over;  // contents that are no trash any more: deleted, or named by the disk
    std::uint64_t blobs = 0;         // that were deleted
  };
  asio::awaitable<Answer<Swept>> erase();

 private:
  struct Blob {
    BlobId id;
    std::size_t content;  // its place in numbers_
    std::uint8_t level;
    std::uint8_t met = 0;
  };
  // Is there more to see below it?
  using Visit = std::function<bool(const BlobId& id, std::uint8_t level)>;
  enum class Missing { is_gone, is_error };
  static asio::awaitable<Answer<void>> visit(std::shared_ptr<const ContentReader> content, std::uint8_t level,
                                             std::uint64_t position, BlobId id, Visit each, Missing missing);
  bool meet(By by, const BlobId& id, std::uint8_t level);

  const std::shared_ptr<ContentStore> contents_;
  std::vector<std::int64_t> numbers_;
  std::vector<Blob> blobs_;  // by id, once something was met
  bool is_sorted_ = false;
  std::set<std::pair<By, BlobId>> indexes_;  // that were met
};

}  // namespace spotfs
