// What a content has become since its base: chunk by chunk, without a store.
//
// A chunk is a piece where it was changed: bytes in memory, a stored blob, or a hole. Any other chunk is the base's as
// far as that still counts (`kept` bytes of it), and a hole beyond. Bytes that a piece does not have are zeros.
//
// Thread: none of its own; it belongs behind its owner's lock. Memory: the bytes that were put, and about 150 for each
// piece.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>

#include "fs/content/geometry.hpp"

namespace spotfs {

// A store of bytes that is under way; see draft.hpp.
struct Sending;

struct Piece {
  std::shared_ptr<Bytes> bytes;      // in memory, and not known to be stored
  std::shared_ptr<Sending> sending;  // of these bytes: from now on they must not change
  bool is_frozen = false;            // nor must they where a copy of the pieces has them
  std::optional<BlobId> id;          // stored under this id, with `length` bytes, of which `valid` count
  std::size_t length = 0;
  std::size_t valid = 0;

  bool is_hole() const noexcept { return !bytes && !id; }
  bool operator==(const Piece& other) const noexcept {
    return bytes == other.bytes && id == other.id && valid == other.valid;
  }
};

// Where the bytes of a chunk are.
struct ChunkSource {
  enum class Kind { hole, memory, stored, base } kind = Kind::hole;
  std::shared_ptr<Bytes> bytes;  // memory
  BlobId id{};                   // stored
  std::size_t length = 0;        // stored, base: of its plaintext
  std::size_t valid = 0;         // stored, base: bytes of it that count
  std::uint64_t base = 0;        // base: which one

  bool operator==(const ChunkSource&) const = default;
};

class Pieces {
 public:
  explicit Pieces(std::uint64_t base_size) : size_{base_size}, base_size_{base_size}, kept_{base_size} {}

  std::uint64_t size() const noexcept { return size_; }
  std::uint64_t base_size() const noexcept { return base_size_; }
  std::uint64_t kept() const noexcept { return kept_; }  // bytes of the base that count, at most size()
  std::size_t dirty() const noexcept { return dirty_; }  // bytes in memory
  const std::map<std::uint64_t, Piece>& pieces() const noexcept { return pieces_; }
  const std::set<std::uint64_t>& in_memory() const noexcept { return in_memory_; }  // chunks whose piece has bytes
  bool is_changed() const noexcept { return size_ != base_size_ || kept_ != base_size_ || !pieces_.empty(); }

  ChunkSource source(std::uint64_t chunk) const;
  // A chunk of which a write of [offset, offset + size) leaves something over, and whose bytes are not in memory.
  std::optional<std::uint64_t> needs(std::uint64_t offset, std::uint64_t size) const;
  // The plaintext of `from`, for which needs() asked; nothing where the chunk has changed meanwhile.
  void fill(std::uint64_t chunk, const ChunkSource& from, BytesView plaintext);
  // needs() must have nothing for it.
  void write(std::uint64_t offset, BytesView data);
  void resize(std::uint64_t size);
  // The whole chunks in [offset, end) become holes, and where that is the end, all from `offset` on; the size stays.
  void punch(std::uint64_t offset, std::uint64_t end);
  // A chunk that is stored already, in place of all that is there. The content goes as far as that, at least.
  void put(std::uint64_t chunk, const BlobId& id, std::size_t length);
  // `from` was stored again as this; nothing where the chunk has changed meanwhile.
  void put_instead(std::uint64_t chunk, const ChunkSource& from, const BlobId& id, std::size_t length);

  Piece* find(std::uint64_t chunk);
  // The bytes of a piece were stored under `id`: they leave memory.
  void stored(std::uint64_t chunk, const BlobId& id, std::size_t length);

  // All of `snapshot` is the base now, and what was done since stays.
  void rebase(const Pieces& snapshot);
  // The bytes that are there stay as they are, for a copy that is made now: a write takes others.
  void freeze() noexcept;
  // From a copy that was made for a save on, truncations are counted against it.
  void mark() noexcept { kept_since_mark_ = size_; }

 private:
  using Map = std::map<std::uint64_t, Piece>;

  bool is_covered(std::uint64_t chunk, std::uint64_t offset, std::uint64_t end) const;
  Bytes& writable(std::uint64_t chunk);
  void replace(std::uint64_t chunk, Piece piece);
  void leave_memory(Map::iterator piece);
  Map::iterator drop(Map::iterator piece);
  void cut(std::uint64_t size);

  std::uint64_t size_, base_size_, kept_;
  std::uint64_t kept_since_mark_ = 0;
  std::uint64_t rebased_ = 0;
  std::size_t dirty_ = 0;
  Map pieces_;
  std::set<std::uint64_t> in_memory_;
};

}  // namespace spotfs
