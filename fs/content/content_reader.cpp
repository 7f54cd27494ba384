#include "fs/content/content_reader.hpp"

namespace spotfs {

std::size_t ContentReader::index_bytes(std::uint8_t level, std::uint64_t first_chunk) const noexcept {
  return index_length(reference_.size, level, first_chunk / chunks_below(level)) * sizeof(BlobId);
}

// That the chunk is below.
BlobId ContentReader::child_of(const Bytes& index, std::uint8_t level, std::uint64_t first_chunk) noexcept {
  const std::uint64_t child = first_chunk / chunks_below(static_cast<std::uint8_t>(level - 1)) % kIndexFanOut;
  BlobId id;
  std::copy_n(index.begin() + static_cast<std::ptrdiff_t>(child * sizeof(BlobId)), sizeof(BlobId), id.begin());
  return id;
}

asio::awaitable<Answer<BlobId>> ContentReader::find(std::uint8_t level, std::uint64_t position) const {
  const std::uint64_t first_chunk = position * chunks_below(level);
  if (is_outside(level, first_chunk)) co_return kHole;
  if (!reference_.id) co_return Failure{Errc::malformed, "the content is not a tree"};
  BlobId id = *reference_.id;
  for (std::uint8_t at = reference_.level; at > level && id != kHole; --at) {
    const Answer<Plaintext> index = co_await store_->fetch(ContentKind::index, id, index_bytes(at, first_chunk));
    if (!index) co_return index.error();
    id = child_of(**index, at, first_chunk);
  }
  co_return id;
}

std::optional<BlobId> ContentReader::find_now(std::uint8_t level, std::uint64_t position) const {
  const std::uint64_t first_chunk = position * chunks_below(level);
  if (is_outside(level, first_chunk)) return kHole;
  if (!reference_.id) return std::nullopt;
  BlobId id = *reference_.id;
  for (std::uint8_t at = reference_.level; at > level && id != kHole; --at) {
    const Plaintext index = store_->cached(ContentKind::index, id, index_bytes(at, first_chunk));
    if (!index) return std::nullopt;
    id = child_of(*index, at, first_chunk);
  }
  return id;
}

asio::awaitable<Answer<std::vector<BlobId>>> ContentReader::index(std::uint8_t level, std::uint64_t position) const {
  const Answer<BlobId> id = co_await find(level, position);
  if (!id) co_return id.error();
  std::vector<BlobId> ids;
  if (*id == kHole) co_return ids;
  const std::size_t length = index_bytes(level, position * chunks_below(level));
  const Answer<Plaintext> index = co_await store_->fetch(ContentKind::index, *id, length);
  if (!index) co_return index.error();
  ids.resize(length / sizeof(BlobId));
  for (std::size_t i = 0; i < ids.size(); ++i) {
    std::copy_n((*index)->begin() + static_cast<std::ptrdiff_t>(i * sizeof(BlobId)), sizeof(BlobId), ids[i].begin());
  }
  co_return ids;
}

Plaintext ContentReader::chunk_of_value(std::uint64_t number) const {
  const std::size_t length = chunk_length(value_->size(), number);
  if (length == value_->size()) return value_;
  const auto begin = value_->begin() + static_cast<std::ptrdiff_t>(number * kChunkSize);
  return std::make_shared<const Bytes>(begin, begin + static_cast<std::ptrdiff_t>(length));
}

asio::awaitable<Answer<Plaintext>> ContentReader::chunk(std::uint64_t number) const {
  if (value_) co_return chunk_of_value(number);
  const Answer<BlobId> id = co_await find(0, number);
  if (!id) co_return id.error();
  if (*id == kHole) co_return Plaintext{};
  co_return co_await store_->fetch(ContentKind::data, *id, chunk_length(reference_.size, number));
}

asio::awaitable<Answer<std::uint64_t>> ContentReader::end_of_hole(std::uint64_t chunk) const {
  if (value_) co_return chunk;
  for (std::uint8_t level = reference_.level;; --level) {
    const std::uint64_t position = chunk / chunks_below(level);
    const Answer<BlobId> id = co_await find(level, position);
    if (!id) co_return id.error();
    if (*id == kHole) co_return (position + 1) * chunks_below(level);
    if (level == 0) co_return chunk;
  }
}

asio::awaitable<Answer<std::optional<BlobId>>> ContentReader::find_lost() const {
  if (value_ || !reference_.id) co_return std::optional<BlobId>{};
  std::vector<BlobId> ids{*reference_.id};
  const std::uint64_t chunks = chunk_count(reference_.size);
  for (std::uint8_t level = reference_.level;; --level) {
    const auto lost = std::ranges::find_if(ids, [this](const BlobId& id) { return store_->is_lost(id); });
    if (lost != ids.end()) co_return std::optional{*lost};
    if (level == 0) co_return std::optional<BlobId>{};
    ids.clear();
    for (std::uint64_t position = 0; position * chunks_below(level) < chunks; ++position) {
      const Answer<std::vector<BlobId>> below = co_await index(level, position);
      if (!below) co_return below.error();
      ids.insert(ids.end(), below->begin(), below->end());
    }
  }
}

std::optional<std::uint64_t> ContentReader::stored_now() const {
  if (value_ || !reference_.id || reference_.size == 0) return reference_.size;
  const bool is_known = reference_.level == 0 || *reference_.id == kHole ||
                        store_->cached(ContentKind::index, *reference_.id, index_bytes(reference_.level, 0));
  if (!is_known) return std::nullopt;
  return stored_below(*reference_.id, reference_.level, 0);
}

std::uint64_t ContentReader::stored_below(const BlobId& id, std::uint8_t level, std::uint64_t first_chunk) const {
  if (id == kHole) return 0;
  const Plaintext index =
      level == 0 ? nullptr : store_->cached(ContentKind::index, id, index_bytes(level, first_chunk));
  if (!index) {
    const std::uint64_t chunks = std::min(chunk_count(reference_.size) - first_chunk, chunks_below(level));
    return std::min(reference_.size - first_chunk * kChunkSize, chunks * kChunkSize);
  }
  const auto below = static_cast<std::uint8_t>(level - 1);
  std::uint64_t bytes = 0;
  for (std::uint64_t i = 0; i < index->size() / sizeof(BlobId); ++i) {
    const std::uint64_t chunk = first_chunk + i * chunks_below(below);
    bytes += stored_below(child_of(*index, level, chunk), below, chunk);
  }
  return bytes;
}

asio::awaitable<void> ContentReader::want(std::uint64_t first, std::uint64_t count) const {
  const std::uint64_t chunks = chunk_count(reference_.size);
  const std::uint64_t end = first >= chunks ? first : first + std::min(count, chunks - first);
  for (std::uint64_t number = first; number < end; ++number) {
    const Answer<BlobId> id = co_await find(0, number);
    if (!id) co_return;
    if (*id != kHole) store_->want(ContentKind::data, *id, chunk_length(reference_.size, number));
  }
}

}  // namespace spotfs
