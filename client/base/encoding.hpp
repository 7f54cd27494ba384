// Text forms of bytes, and unsigned varints.
//
// Thread: pure functions. Errors: Errc::malformed for whatever is not the one canonical form.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "client/base/bytes.hpp"
#include "client/base/result.hpp"

namespace spot {

// RFC 4648 section 5 without padding. The decoder takes only the canonical form (no padding, spare bits zero).
std::string base64url(BytesView bytes);
Result<Bytes> from_base64url(std::string_view text);

// RFC 4648 section 4 with padding, or section 5 with or without: what the JSON bottles of the public clients hold.
Result<Bytes> from_any_base64(std::string_view text);

// RFC 4648 section 6, any case, no padding.
Result<Bytes> from_base32(std::string_view text);

std::string hex(BytesView bytes);
Result<Bytes> from_hex(std::string_view text);

// Unsigned LEB128 as in Go's encoding/binary, at most 10 bytes. take_uvarint cuts what it read off the front;
// an overlong form is malformed.
void append_uvarint(Bytes& to, std::uint64_t value);
Result<std::uint64_t> take_uvarint(BytesView& from);

// Big endian.
template <class T>
void append_be(Bytes& to, T value) {
  for (int shift = (sizeof(T) - 1) * 8; shift >= 0; shift -= 8) to.push_back(static_cast<std::uint8_t>(value >> shift));
}
template <class T>
std::optional<T> take_be(BytesView& from) {
  if (from.size() < sizeof(T)) return std::nullopt;
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) value = static_cast<T>((value << 8) | from[i]);
  from = from.subspan(sizeof(T));
  return value;
}

bool is_utf8(std::string_view text) noexcept;

// Any text from elsewhere, made fit for a log, a terminal or a status: printable UTF-8 stays, all else (control
// characters, newlines, invalid bytes, a backslash) becomes \xNN; at most `limit` bytes, then an ellipsis.
std::string printable(std::string_view text, std::size_t limit = 1024);

}  // namespace spot
