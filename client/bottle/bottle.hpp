// One level of a bottle: `[header, message, format, recipients, signatures]` (draft-karpeles-bottle-idcard-01).
//
// Thread: values. Errors: malformed. decode + encode gives the same bytes for all that the public clients make.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "client/base/bytes.hpp"
#include "client/base/result.hpp"
#include "client/bottle/cbor.hpp"

namespace spot {

inline constexpr std::size_t kMaxBottleDepth = 16;
inline constexpr std::size_t kMaxSignatures = 16;
inline constexpr std::size_t kMaxRecipients = 64;

enum class Format : std::uint8_t { clear = 0, bottle = 1, aes = 2, json = 3 };

struct Recipient {
  Bytes key;      // PKIX
  Bytes wrapped;  // content key
};

struct Signature {
  Bytes key;  // PKIX
  Bytes signature;
};

struct Bottle {
  Bytes header{0xA0};  // an encoded map, its bytes as they came
  Bytes message;
  Format format = Format::clear;
  std::vector<Recipient> recipients;
  std::vector<Signature> signatures;
  bool null_message = false, empty_recipients_array = false, empty_signatures_array = false, null_header = false;

  bool has_header() const noexcept { return !null_header && header != Bytes{0xA0}; }
};

Result<Bottle> decode_bottle(BytesView bytes);
Bytes encode_bottle(const Bottle& bottle);

// JSON form (hdr msg fmt dst sig): reads base64url and padded standard base64, writes base64url.
Result<Bottle> decode_json_bottle(std::string_view json);
Result<std::string> encode_json_bottle(const Bottle& bottle);

// A text-keyed header, read field by field. Errors: malformed (not a map, duplicate keys, wrong type); not_found.
class Header {
 public:
  static Result<Header> parse(BytesView encoded);
  std::optional<std::string_view> text(std::string_view key) const;
  std::optional<BytesView> bytes(std::string_view key) const;
  std::optional<std::uint64_t> number(std::string_view key) const;
  std::optional<BytesView> item(std::string_view key) const;  // encoded
  bool contains(std::string_view key) const { return item(key).has_value(); }
  bool empty() const noexcept { return fields_.empty(); }

 private:
  std::map<std::string, Bytes, std::less<>> fields_;
};

}  // namespace spot
