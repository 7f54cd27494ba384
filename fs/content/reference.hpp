// Where the content of a file is: the root of its tree of chunks, or the value of its key below blobs/.
//
// Thread: values. Errors: malformed. Source: files.md, "Reference"; blobs.md, "Listing".
#pragma once

#include <compare>
#include <cstdint>
#include <optional>

#include "client/base/bytes.hpp"
#include "client/base/result.hpp"
#include "client/bottle/cbor.hpp"

namespace spotfs {

using spot::ByteArray;
using spot::Bytes;
using spot::BytesView;
using spot::Errc;
using spot::Result;
namespace cbor = spot::cbor;

using BlobId = ByteArray<16>;  // random; all zero: a hole

inline constexpr std::uint64_t kChunkSize = 45'056;   // bytes, 11 pages
inline constexpr std::uint64_t kIndexFanOut = 2'816;  // ids of 16 bytes in a full index
inline constexpr std::uint64_t kMaxFileSize = (std::uint64_t{1} << 63) - 1;

// The content of a file that is not empty. An empty one has no reference.
struct Reference {
  std::uint64_t size = 0;  // bytes, at least 1
  std::uint8_t level = 0;  // 0: `id` is the only chunk; n: an index of level n
  // None only below blobs/, where the content is the value of the key.
  std::optional<BlobId> id;

  static std::optional<Reference> of_value(std::uint64_t size) {
    return size == 0 ? std::nullopt : std::optional{Reference{size, 0, std::nullopt}};
  }
  bool operator==(const Reference&) const = default;
};

// The lowest level that holds `size` bytes.
std::uint8_t level_for(std::uint64_t size) noexcept;

void encode(cbor::Writer& to, const std::optional<Reference>& reference);
Result<std::optional<Reference>> decode_reference(cbor::Reader& from);

}  // namespace spotfs
