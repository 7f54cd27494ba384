#include "fs/content/reference.hpp"

#include <algorithm>

namespace spotfs {

using spot::fail;

std::uint8_t level_for(std::uint64_t size) noexcept {
  std::uint8_t level = 0;
  for (std::uint64_t holds = kChunkSize; holds < size; ++level) {
    if (holds > kMaxFileSize / kIndexFanOut) return static_cast<std::uint8_t>(level + 1);
    holds *= kIndexFanOut;
  }
  return level;
}

void encode(cbor::Writer& to, const std::optional<Reference>& reference) {
  if (!reference) {
    to.put_null();
  } else if (!reference->id) {
    to.put_array(1).put(reference->size);
  } else {
    to.put_array(3).put(reference->size).put(reference->level).put_bytes(*reference->id);
  }
}

Result<std::optional<Reference>> decode_reference(cbor::Reader& from) {
  if (from.take_null()) return std::optional<Reference>{};
  const Result<std::size_t> fields = from.read_array();
  if (!fields || (*fields != 1 && *fields != 3)) return fail(Errc::malformed);
  const Result<std::uint64_t> size = from.read_unsigned();
  if (!size || *size == 0 || *size > kMaxFileSize) return fail(Errc::malformed);
  Reference out{*size, 0, std::nullopt};
  if (*fields == 3) {
    const Result<std::uint64_t> level = from.read_unsigned();
    if (!level || *level != level_for(*size)) return fail(Errc::malformed);
    const Result<BytesView> id = from.read_bytes();
    if (!id || id->size() != std::tuple_size_v<BlobId>) return fail(Errc::malformed);
    out.level = static_cast<std::uint8_t>(*level);
    std::ranges::copy(*id, out.id.emplace().begin());
  }
  return std::optional{out};
}

}  // namespace spotfs
