// Reads a content: a tree of chunks by its reference, or a value that is in memory.
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
  // A value, which is no tree: of ids it has none.
  ContentReader(std::shared_ptr<ContentStore> store, Plaintext value)
      : store_{std::move(store)}, reference_{value->size(), 0, std::nullopt}, value_{std::move(value)} {}

  std::uint64_t size() const noexcept { return reference_.size; }
  const Plaintext& value() const noexcept { return value_; }  // null: it is none
  // None: the empty content, or a value.
  std::optional<Reference> reference() const {
    return value_ || reference_.size == 0 ? std::nullopt : std::optional{reference_};
  }

  // The id of a chunk (level 0), or of the index at that place; kHole. Beyond the root and the end all are holes.
  asio::awaitable<Answer<BlobId>> find(std::uint8_t level, std::uint64_t position) const;
  // The same from memory; nullopt: not there.
  std::optional<BlobId> find_now(std::uint8_t level, std::uint64_t position) const;
  // The ids in the index at that place of `level` (1 or more). Empty: all of it is a hole, or there is none.
  asio::awaitable<Answer<std::vector<BlobId>>> index(std::uint8_t level, std::uint64_t position) const;
  // Null: a hole.
  asio::awaitable<Answer<Plaintext>> chunk(std::uint64_t number) const;
  // Of a value.
  Plaintext chunk_of_value(std::uint64_t number) const;
  // The chunk after the hole that this one is in; itself where it is none.
  asio::awaitable<Answer<std::uint64_t>> end_of_hole(std::uint64_t chunk) const;
  // A chunk or an index that was stored by this mount and that the store has lost. None: there is none.
  asio::awaitable<Answer<std::optional<BlobId>>> find_lost() const;
  // How many bytes of it are stored and no hole, as far as memory knows: what is not there counts as stored. nullopt:
  // not even the root is there.
  std::optional<std::uint64_t> stored_now() const;
  // Begins to fetch these chunks, those beyond the end left out.
  asio::awaitable<void> want(std::uint64_t first, std::uint64_t count) const;

 private:
  std::size_t index_bytes(std::uint8_t level, std::uint64_t first_chunk) const noexcept;
  static BlobId child_of(const Bytes& index, std::uint8_t level, std::uint64_t first_chunk) noexcept;
  std::uint64_t stored_below(const BlobId& id, std::uint8_t level, std::uint64_t first_chunk) const;
  bool is_outside(std::uint8_t level, std::uint64_t first_chunk) const noexcept {
    return value_ || level > reference_.level || first_chunk >= chunk_count(reference_.size);
  }

  std::shared_ptr<ContentStore> store_;
  Reference reference_;
  Plaintext value_;
};

}  // namespace spotfs
