#include "client/proto/handshake.hpp"

#include <algorithm>

#include "client/bottle/cbor.hpp"
#include "client/crypto/sign.hpp"

namespace spot {
namespace {

constexpr std::size_t kMaxNameLength = 128;
constexpr std::size_t kMinNonce = 8, kMaxNonce = 256;
constexpr std::size_t kMaxMemberships = 64;
constexpr std::size_t kHandshakesInAMinute = 10;

// One item without tags in it. Its nesting is bounded, as it was read as a whole before.
Result<void> refuse_tags(cbor::Reader& reader) {
  const auto type = reader.peek();
  if (!type) return type.error();
  if (*type == cbor::Type::tag) return fail(Errc::bad_handshake);
  if (*type != cbor::Type::array && *type != cbor::Type::map) {
    const auto skipped = reader.read_item();
    return skipped ? Result<void>{} : skipped.error();
  }
  const bool is_map = *type == cbor::Type::map;
  const auto count = is_map ? reader.read_map() : reader.read_array();
  if (!count) return count.error();
  for (std::size_t i = 0; i < *count * (is_map ? 2 : 1); ++i) {
    if (const auto plain = refuse_tags(reader); !plain) return plain.error();
  }
  return {};
}

// Reads over a field that is not known: it must be as plain as the others, without duplicate keys or tags.
Result<void> skip_plain(cbor::Reader& reader) {
  const auto item = reader.read_item();
  if (!item) return item.error();
  cbor::Reader inside{*item};
  return refuse_tags(inside);
}

Result<std::string> read_name(cbor::Reader& reader) {
  const auto text = reader.read_text();
  if (!text) return text.error();
  if (text->size() > kMaxNameLength || !std::ranges::all_of(*text, [](char c) { return c >= ' ' && c < 0x7F; }))
    return fail(Errc::bad_handshake);
  return std::string{*text};
}

Result<std::vector<Bytes>> read_memberships(cbor::Reader& reader) {
  std::vector<Bytes> memberships;
  if (reader.take_null()) return memberships;
  const auto count = reader.read_array();
  if (!count) return count.error();
  if (*count > kMaxMemberships) return fail(Errc::bad_handshake);
  for (std::size_t i = 0; i < *count; ++i) {
    const auto membership = reader.read_bytes();
    if (!membership) return membership.error();
    memberships.push_back(to_bytes(*membership));
  }
  return memberships;
}

template <class T, class F>
Result<void> assign(F& field, Result<T> value) {
  if (!value) return value.error();
  if constexpr (std::is_same_v<T, BytesView>) {
    field = to_bytes(*value);
  } else {
    field = std::move(*value);
  }
  return {};
}

Result<void> read_field(HandshakeRequest& request, std::string_view name, cbor::Reader& reader) {
  if (name == "rdy") return assign(request.ready, reader.read_bool());
  if (name == "srv") return assign(request.server, read_name(reader));
  if (name == "cid") return assign(request.connection, read_name(reader));
  if (name == "rnd") return reader.take_null() ? Result<void>{} : assign(request.nonce, reader.read_bytes());
  if (name == "grp") return assign(request.memberships, read_memberships(reader));
  if (name == "tls") return assign(request.certificate, reader.read_bytes());
  return skip_plain(reader);
}

}  // namespace

Result<HandshakeRequest> decode_handshake(BytesView body) {
  cbor::Reader reader{body};
  const auto pairs = reader.read_map();
  if (!pairs) return fail(Errc::bad_handshake);
  HandshakeRequest request;
  cbor::KeySet keys;
  for (std::size_t i = 0; i < *pairs; ++i) {
    const BytesView before = reader.left();
    const auto name = reader.read_text();
    if (!name) return fail(Errc::bad_handshake);
    if (!keys.add(before.first(before.size() - reader.left().size()))) return fail(Errc::bad_handshake);
    if (!read_field(request, *name, reader)) return fail(Errc::bad_handshake);
  }
  if (!reader.finish()) return fail(Errc::bad_handshake);
  // The nonce is what makes the signature worthless elsewhere; the end of a handshake needs none.
  if (!request.ready && (request.nonce.size() < kMinNonce || request.nonce.size() > kMaxNonce))
    return fail(Errc::bad_handshake);
  return request;
}

Result<Bytes> answer_handshake(BytesView request, BytesView signed_card, const PrivateKey& key) {
  const auto signature = sign(key, request);
  if (!signature) return signature.error();
  cbor::Writer writer;
  writer.put_map(3);
  writer.put_text("id").put_bytes(signed_card);
  writer.put_text("key").put_bytes(key.public_key().pkix());
  writer.put_text("sig").put_bytes(*signature);
  return writer.take();
}

Result<void> HandshakeLimit::admit(Clock::Steady now) {
  while (!admitted_.empty() && now - admitted_.front() >= std::chrono::minutes{1}) admitted_.pop_front();
  if (admitted_.size() >= kHandshakesInAMinute) return fail(Errc::rate_exceeded);
  admitted_.push_back(now);
  return {};
}

}  // namespace spot
