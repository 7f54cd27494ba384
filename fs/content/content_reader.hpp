// Reads a content by its reference.
//
// Thread: any; coroutines on their caller's executor. Errors: those of ContentStore; malformed for a reference that no
// disk writes. Memory: what is asked for.
#pragma once

#include "fs/content/content_store.hpp"
#include "fs/content/geometry.hpp"

namespace spotfs {

inline constexpr BlobId kHole{};

class ContentReader {
 public:
  // No reference: the empty content.
  ContentReader(std::shared_ptr<ContentStore> store, const std::optional<Reference>& reference)
      : store_{std::move(store)}, reference_{reference.value_or(Reference{})} {}

  std::uint64_t size() const noexcept { return reference_.size; }

  // The id of a chunk (level 0), or of the index at that place; kHole. Beyond the root and the end all are holes.
  asio::awaitable<Answer<BlobId>> find(std::uint8_t level, std::uint64_t position) const;
  // The same from memory; nullopt: not there.
  std::optional<BlobId> find_now(std::uint8_t level, std::uint64_t position) const;
  // The ids in the index at that place of `level` (1 or more). Empty: all of it is a hole, or there is none.
  asio::awaitable<Answer<std::vector<BlobId>>> index(std::uint8_t level, std::uint64_t position) const;
  // Null: a hole.
  asio::awaitable<Answer<Plaintext>> chunk(std::uint64_t number) const;
  // The chunk after the hole that this one is in; itself where it is none.
  asio::awaitable<Answer<std::uint64_t>> end_of_hole(std::uint64_t chunk) const;
  // Begins to fetch these chunks, those beyond the end left out.
  asio::awaitable<void> want(std::uint64_t first, std::uint64_t count) const;

 private:
  std::size_t index_bytes(std::uint8_t level, std::uint64_t first_chunk) const noexcept;
  static BlobId child_of(const Bytes& index, std::uint8_t level, std::uint64_t first_chunk) noexcept;
  bool is_outside(std::uint8_t level, std::uint64_t first_chunk) const noexcept {
    return level > reference_.level || first_chunk >= chunk_count(reference_.size);
  }

  std::shared_ptr<ContentStore> store_;
  Reference reference_;
};

}  // namespace spotfs
