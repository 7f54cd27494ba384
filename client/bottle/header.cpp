#include "client/bottle/bottle.hpp"

namespace spot {

Result<Header> Header::parse(BytesView encoded) {
  cbor::Reader reader{encoded};
  const Result<std::size_t> pairs = reader.read_map();
  if (!pairs) return pairs.error();
  Header header;
  for (std::size_t i = 0; i < *pairs; ++i) {
    const Result<std::string_view> key = reader.read_text();
    if (!key) return key.error();
    const Result<BytesView> value = reader.read_item();
    if (!value) return value.error();
    if (!header.fields_.emplace(*key, to_bytes(*value)).second) return fail(Errc::malformed);
  }
  if (const Result<void> end = reader.finish(); !end) return end.error();
  return header;
}

std::optional<BytesView> Header::item(std::string_view key) const {
  const auto at = fields_.find(key);
  if (at == fields_.end()) return std::nullopt;
  return BytesView{at->second};
}

std::optional<std::string_view> Header::text(std::string_view key) const {
  const std::optional<BytesView> encoded = item(key);
  const Result<std::string_view> value = cbor::Reader{encoded.value_or(BytesView{})}.read_text();
  return value ? std::optional{*value} : std::nullopt;
}

std::optional<BytesView> Header::bytes(std::string_view key) const {
  const std::optional<BytesView> encoded = item(key);
  const Result<BytesView> value = cbor::Reader{encoded.value_or(BytesView{})}.read_bytes();
  return value ? std::optional{*value} : std::nullopt;
}

std::optional<std::uint64_t> Header::number(std::string_view key) const {
  const std::optional<BytesView> encoded = item(key);
  const Result<std::uint64_t> value = cbor::Reader{encoded.value_or(BytesView{})}.read_unsigned();
  return value ? std::optional{*value} : std::nullopt;
}

}  // namespace spot
