#include "mount/relay/handshake.hpp"

#include <algorithm>

#include "client/bottle/cbor.hpp"
#include "client/crypto/sign.hpp"

namespace spot::relay {
namespace {

struct Response {
  BytesView card;
  BytesView key;
  BytesView signature;
};

Result<Response> decode(BytesView encoded) {
  cbor::Reader reader{encoded};
  const auto pairs = reader.read_map();
  if (!pairs) return pairs.error();
  Response response;
  cbor::KeySet keys;
  for (std::size_t i = 0; i < *pairs; ++i) {
    const BytesView before = reader.left();
    const auto name = reader.read_text();
    if (!name) return name.error();
    if (const auto added = keys.add(before.first(before.size() - reader.left().size())); !added) return added.error();
    BytesView* const field = *name == "id"    ? &response.card
                             : *name == "key" ? &response.key
                             : *name == "sig" ? &response.signature
                                              : nullptr;
    if (field == nullptr) {
      if (const auto skipped = reader.read_item(); !skipped) return skipped.error();
      continue;
    }
    const auto value = reader.read_bytes();
    if (!value) return value.error();
    *field = *value;
  }
  if (const auto end = reader.finish(); !end) return end.error();
  return response;
}

}  // namespace

Bytes encode(const HandshakeRequest& request) {
  cbor::Writer writer;
  writer.put_map(request.certificate.empty() ? 5 : 6);
  writer.put_text("rdy").put_bool(request.ready);
  writer.put_text("srv").put_text(request.server);
  writer.put_text("cid").put_text(request.connection);
  writer.put_text("rnd").put_bytes(request.nonce);
  writer.put_text("grp");
  if (request.memberships.empty()) {
    writer.put_null();
  } else {
    writer.put_array(request.memberships.size());
    for (const Bytes& membership : request.memberships) writer.put_bytes(membership);
  }
  if (!request.certificate.empty()) writer.put_text("tls").put_bytes(request.certificate);
  return writer.take();
}

Answer<Proven> check_response(BytesView request, BytesView response, UnixSeconds now) {
  const auto fields = decode(response);
  if (!fields) return Failure{fields.error(), "the handshake response is malformed"};

  auto card = IdCard::load(fields->card, now);
  if (!card) return Failure{card.error(), "the ID card is not a valid one: " + card.error().message()};

  // Compared as bytes, so that no key is parsed that the card does not list.
  const auto keys = card->keys_for("sign", now);
  const auto key = std::ranges::find_if(keys, [&](const PublicKey& k) { return equal(k.pkix(), fields->key); });
  if (key == keys.end())
    return Failure{Errc::bad_key, "the handshake is signed with a key that the card does not list"};

  if (const auto verified = verify(*key, request, fields->signature); !verified)
    return Failure{verified.error(), "the signature of the handshake is wrong"};
  return Proven{std::move(*card), to_bytes(fields->card)};
}

}  // namespace spot::relay
