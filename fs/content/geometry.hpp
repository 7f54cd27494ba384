// Where the chunks of a content are, and how long each part of its tree is.
//
// Chunk n holds the bytes from n * kChunkSize on. Node p of level l (chunks are level 0) covers the chunks from
// p * kIndexFanOut^l on. Source: files.md, "Reference".
#pragma once

#include <algorithm>

#include "fs/content/reference.hpp"

namespace spotfs {

constexpr std::uint64_t divide_up(std::uint64_t value, std::uint64_t by) noexcept {
  return value / by + (value % by != 0 ? 1 : 0);
}

constexpr std::uint64_t chunk_count(std::uint64_t size) noexcept { return divide_up(size, kChunkSize); }

// Bytes of that chunk in a content of `size` bytes; 0 beyond its end.
constexpr std::size_t chunk_length(std::uint64_t size, std::uint64_t chunk) noexcept {
  const std::uint64_t begin = chunk * kChunkSize;
  return begin >= size ? 0 : static_cast<std::size_t>(std::min(kChunkSize, size - begin));
}

// Chunks below one node of that level.
constexpr std::uint64_t chunks_below(std::uint8_t level) noexcept {
  std::uint64_t chunks = 1;
  for (; level > 0; --level) chunks *= kIndexFanOut;
  return chunks;
}

// Ids in the index that is node `position` of `level`, at least 1; 0 beyond the end.
constexpr std::size_t index_length(std::uint64_t size, std::uint8_t level, std::uint64_t position) noexcept {
  const std::uint64_t children = divide_up(chunk_count(size), chunks_below(static_cast<std::uint8_t>(level - 1)));
  const std::uint64_t first = position * kIndexFanOut;
  return first >= children ? 0 : static_cast<std::size_t>(std::min(kIndexFanOut, children - first));
}

}  // namespace spotfs
