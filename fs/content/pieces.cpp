#include "fs/content/pieces.hpp"

namespace spotfs {
namespace {

Piece stored_piece(const BlobId& id, std::size_t length) {
  Piece piece;
  piece.id = id;
  piece.length = piece.valid = length;
  return piece;
}

}  // namespace

ChunkSource Pieces::source(std::uint64_t chunk) const {
  ChunkSource out;
  const auto piece = pieces_.find(chunk);
  if (piece != pieces_.end()) {
    if (piece->second.bytes) {
      out.kind = ChunkSource::Kind::memory;
      out.bytes = piece->second.bytes;
    } else if (piece->second.id) {
      out.kind = ChunkSource::Kind::stored;
      out.id = *piece->second.id;
      out.length = piece->second.length;
      out.valid = piece->second.valid;
    }
    return out;
  }
  const std::size_t valid = chunk_length(kept_, chunk);
  if (valid == 0) return out;
  out.kind = ChunkSource::Kind::base;
  out.length = chunk_length(base_size_, chunk);
  out.valid = valid;
  out.base = rebased_;
  return out;
}

// Does [offset, end) replace all of the chunk that counts?
bool Pieces::is_covered(std::uint64_t chunk, std::uint64_t offset, std::uint64_t end) const {
  const std::uint64_t begin = chunk * kChunkSize;
  return offset <= begin && end >= begin + chunk_length(size_, chunk);
}

std::optional<std::uint64_t> Pieces::needs(std::uint64_t offset, std::uint64_t size) const {
  if (size == 0) return std::nullopt;
  const std::uint64_t end = offset + size;
  // Only the first and the last one can have something left over.
  for (const std::uint64_t chunk : {offset / kChunkSize, (end - 1) / kChunkSize}) {
    const ChunkSource from = source(chunk);
    const bool is_far = from.kind == ChunkSource::Kind::stored || from.kind == ChunkSource::Kind::base;
    if (is_far && !is_covered(chunk, offset, end)) return chunk;
  }
  return std::nullopt;
}

void Pieces::fill(std::uint64_t chunk, const ChunkSource& from, BytesView plaintext) {
  if (source(chunk) != from || from.kind == ChunkSource::Kind::memory) return;
  const BytesView valid = plaintext.first(std::min(from.valid, plaintext.size()));
  Piece piece;
  piece.bytes = std::make_shared<Bytes>(valid.begin(), valid.end());
  replace(chunk, std::move(piece));
}

void Pieces::replace(std::uint64_t chunk, Piece piece) {
  const auto there = pieces_.find(chunk);
  if (there != pieces_.end()) drop(there);
  if (piece.bytes) {
    dirty_ += piece.bytes->size();
    in_memory_.insert(chunk);
  }
  pieces_.insert_or_assign(chunk, std::move(piece));
}

void Pieces::leave_memory(Map::iterator piece) {
  if (!piece->second.bytes) return;
  dirty_ -= piece->second.bytes->size();
  in_memory_.erase(piece->first);
}

Pieces::Map::iterator Pieces::drop(Map::iterator piece) {
  leave_memory(piece);
  return pieces_.erase(piece);
}

// The bytes of a chunk, to be changed by someone who puts dirty_ right.
Bytes& Pieces::writable(std::uint64_t chunk) {
  Piece& piece = pieces_[chunk];
  if (!piece.bytes) {
    piece = Piece{};
    piece.bytes = std::make_shared<Bytes>();
    in_memory_.insert(chunk);
  } else if (piece.sending || piece.is_frozen) {
    piece.bytes = std::make_shared<Bytes>(*piece.bytes);
    piece.sending = nullptr;
    piece.is_frozen = false;
  }
  return *piece.bytes;
}

void Pieces::write(std::uint64_t offset, BytesView data) {
  while (!data.empty()) {
    const std::uint64_t chunk = offset / kChunkSize;
    const auto start = static_cast<std::size_t>(offset % kChunkSize);
    const std::size_t count = std::min<std::size_t>(data.size(), kChunkSize - start);
    Bytes& bytes = writable(chunk);
    dirty_ -= bytes.size();
    if (bytes.capacity() < start + count) bytes.reserve(start == 0 && count < kChunkSize ? count : kChunkSize);
    if (bytes.size() < start) bytes.resize(start);
    const std::size_t over = std::min(count, bytes.size() - start);
    std::ranges::copy(data.first(over), bytes.begin() + static_cast<std::ptrdiff_t>(start));
    bytes.insert(bytes.end(), data.begin() + static_cast<std::ptrdiff_t>(over),
                 data.begin() + static_cast<std::ptrdiff_t>(count));
    dirty_ += bytes.size();
    data = data.subspan(count);
    offset += count;
    size_ = std::max(size_, offset);
  }
}

// Nothing from `size` on counts any more.
void Pieces::cut(std::uint64_t size) {
  kept_ = std::min(kept_, size);
  kept_since_mark_ = std::min(kept_since_mark_, size);
  for (auto piece = pieces_.lower_bound(divide_up(size, kChunkSize)); piece != pieces_.end();) piece = drop(piece);
  const std::size_t left = chunk_length(size, size / kChunkSize);
  const auto edge = pieces_.find(size / kChunkSize);
  if (left == 0 || edge == pieces_.end()) return;
  edge->second.valid = std::min(edge->second.valid, left);
  if (edge->second.bytes && edge->second.bytes->size() > left) {
    Bytes& bytes = writable(edge->first);
    dirty_ -= bytes.size() - left;
    bytes.resize(left);
  }
}

void Pieces::resize(std::uint64_t size) {
  if (size < size_) cut(size);
  size_ = size;
}

void Pieces::punch(std::uint64_t offset, std::uint64_t end) {
  if (end >= size_) {
    if (offset < size_) cut(offset);
    return;
  }
  for (std::uint64_t chunk = divide_up(offset, kChunkSize); chunk < end / kChunkSize; ++chunk) {
    if (source(chunk).kind != ChunkSource::Kind::hole) {
      replace(chunk, Piece{});
    } else if (chunk * kChunkSize >= kept_) {
      // Holes up to the next piece.
      const auto next = pieces_.upper_bound(chunk);
      if (next == pieces_.end()) return;
      chunk = std::max(chunk, next->first - 1);
    }
  }
}

void Pieces::put_instead(std::uint64_t chunk, const ChunkSource& from, const BlobId& id, std::size_t length) {
  if (source(chunk) == from) replace(chunk, stored_piece(id, length));
}

void Pieces::put(std::uint64_t chunk, const BlobId& id, std::size_t length) {
  replace(chunk, stored_piece(id, length));
  size_ = std::max(size_, chunk * kChunkSize + length);
}

Piece* Pieces::find(std::uint64_t chunk) {
  const auto piece = pieces_.find(chunk);
  return piece == pieces_.end() ? nullptr : &piece->second;
}

void Pieces::stored(std::uint64_t chunk, const BlobId& id, std::size_t length) {
  const auto piece = pieces_.find(chunk);
  leave_memory(piece);
  piece->second = stored_piece(id, length);
}

void Pieces::freeze() noexcept {
  for (auto& [chunk, piece] : pieces_) piece.is_frozen = true;
}

void Pieces::rebase(const Pieces& snapshot) {
  for (const auto& [chunk, saved] : snapshot.pieces_) {
    const auto now = pieces_.find(chunk);
    if (now == pieces_.end() || !(now->second == saved)) continue;
    // Cut off meanwhile, and the same put there again: the new base does not count there.
    if (!saved.is_hole() && chunk_length(kept_since_mark_, chunk) < saved.valid) continue;
    drop(now);
  }
  ++rebased_;
  base_size_ = snapshot.size_;
  kept_ = std::min(kept_since_mark_, base_size_);
}

}  // namespace spotfs
