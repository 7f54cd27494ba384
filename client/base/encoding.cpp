#include "client/base/encoding.hpp"

#include <algorithm>
#include <array>

namespace spot {
namespace {

constexpr std::string_view kUrl = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::string_view kHex = "0123456789abcdef";
constexpr std::uint8_t kNone = 0xFF;

using Reverse = std::array<std::uint8_t, 256>;

constexpr Reverse reverse(std::string_view alphabet) {
  Reverse out{};
  out.fill(kNone);
  for (std::size_t i = 0; i < alphabet.size(); ++i)
    out[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
  return out;
}

constexpr Reverse base32_values() {
  Reverse out = reverse("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567");
  for (std::size_t c = 'A'; c <= 'Z'; ++c) out[c + 'a' - 'A'] = out[c];
  return out;
}

// Reads `bits` a character, and wants the bits left over to be zero and fewer than a character's.
Result<Bytes> from_digits(std::string_view text, const Reverse& values, unsigned bits) {
  Bytes out;
  out.reserve(text.size() * bits / 8);
  std::uint32_t buffer = 0;
  unsigned held = 0;
  for (const char c : text) {
    const std::uint8_t value = values[static_cast<unsigned char>(c)];
    if (value == kNone) return fail(Errc::malformed);
    buffer = (buffer << bits) | value;
    held += bits;
    if (held >= 8) {
      held -= 8;
      out.push_back(static_cast<std::uint8_t>(buffer >> held));
      buffer &= (1U << held) - 1;
    }
  }
  if (held >= bits || buffer != 0) return fail(Errc::malformed);
  return out;
}

// The length of the UTF-8 sequence at the front of `text`, or 0 (RFC 3629: no overlong forms, no surrogates).
std::size_t sequence_length(std::string_view text) noexcept {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = at(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((at(i) & 0xC0) != 0x80) return 0;
  const bool bad = (first == 0xE0 && at(1) < 0xA0) || (first == 0xED && at(1) > 0x9F) ||
                   (first == 0xF0 && at(1) < 0x90) || (first == 0xF4 && at(1) > 0x8F);
  return bad ? 0 : length;
}

// C1 controls, line separators and the marks that change the direction of text.
bool is_invisible(std::string_view sequence) noexcept {
  if (sequence.size() == 2) return sequence[0] == '\xC2' && static_cast<unsigned char>(sequence[1]) < 0xA0;
  if (sequence.size() != 3 || sequence[0] != '\xE2') return false;
  const auto second = static_cast<unsigned char>(sequence[1]);
  const auto third = static_cast<unsigned char>(sequence[2]);
  return (second == 0x80 && (third <= 0x8F ? third >= 0x8B : third >= 0xA8 && third <= 0xAE)) ||
         (second == 0x81 && third >= 0xA0 && third <= 0xAF);
}

}  // namespace

std::string base64url(BytesView bytes) {
  std::string out;
  out.reserve((bytes.size() * 4 + 2) / 3);
  std::uint32_t buffer = 0;
  unsigned held = 0;
  for (const std::uint8_t b : bytes) {
    buffer = (buffer << 8) | b;
    for (held += 8; held >= 6;) {
      held -= 6;
      out.push_back(kUrl[(buffer >> held) & 63]);
    }
  }
  if (held != 0) out.push_back(kUrl[(buffer << (6 - held)) & 63]);
  return out;
}

Result<Bytes> from_base64url(std::string_view text) {
  static constexpr Reverse values = reverse(kUrl);
  return from_digits(text, values, 6);
}

Result<Bytes> from_any_base64(std::string_view text) {
  std::string url{text};
  if (url.size() % 4 == 0)
    for (int i = 0; i < 2 && !url.empty() && url.back() == '='; ++i) url.pop_back();
  std::ranges::replace(url, '+', '-');
  std::ranges::replace(url, '/', '_');
  return from_base64url(url);
}

Result<Bytes> from_base32(std::string_view text) {
  static constexpr Reverse values = base32_values();
  return from_digits(text, values, 5);
}

std::string hex(BytesView bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const std::uint8_t b : bytes) {
    out.push_back(kHex[b >> 4]);
    out.push_back(kHex[b & 15]);
  }
  return out;
}

Result<Bytes> from_hex(std::string_view text) {
  static constexpr Reverse values = reverse(kHex);
  return from_digits(text, values, 4);
}

void append_uvarint(Bytes& to, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) to.push_back(static_cast<std::uint8_t>(value | 0x80));
  to.push_back(static_cast<std::uint8_t>(value));
}

Result<std::uint64_t> take_uvarint(BytesView& from) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < from.size() && i < 10; ++i) {
    const std::uint8_t b = from[i];
    if (i == 9 && b > 1) break;
    value |= static_cast<std::uint64_t>(b & 0x7F) << (7 * i);
    if (b < 0x80) {
      if (b == 0 && i != 0) break;
      from = from.subspan(i + 1);
      return value;
    }
  }
  return fail(Errc::malformed);
}

bool is_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string printable(std::string_view text, std::size_t limit) {
  std::string out;
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    const std::string_view sequence = text.substr(0, std::max<std::size_t>(length, 1));
    const auto first = static_cast<unsigned char>(sequence[0]);
    std::string piece{sequence};
    if (length == 0 || first < 0x20 || first == 0x7F || first == '\\' || is_invisible(sequence)) {
      piece.clear();
      for (const char c : sequence) {
        const auto b = static_cast<unsigned char>(c);
        piece += {'\\', 'x', kHex[b >> 4], kHex[b & 15]};
      }
    }
    if (out.size() + piece.size() > limit) return out + "…";
    out += piece;
    text.remove_prefix(sequence.size());
  }
  return out;
}

}  // namespace spot
