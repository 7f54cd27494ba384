#include "client/envelope.hpp"

#include "client/proto/binding.hpp"

namespace spot {
namespace {

// The address as every server would write it, with what follows its target.
std::string canonical(std::string_view text) {
  const auto address = Address::parse(text);
  if (!address) return std::string{text};
  const auto slash = text.find('/');
  return address->canonical_target() + (slash == text.npos ? std::string{} : std::string{text.substr(slash)});
}

// A signature over such bytes could be shown elsewhere as one over a bottle or a card.
bool passes_for_a_bottle(BytesView payload) {
  return !payload.empty() && (payload[0] == '{' || (payload[0] >= 0x80 && payload[0] <= 0xBF));
}

}  // namespace

Result<void> Envelopes::seal(Message& packet, const KnownCard* card, BytesView payload) const {
  if (card && card->card.lists_any_of(identity_->keys())) return fail(Errc::bad_card);
  const auto& recipients = card ? card->decrypt_keys : identity_->recipients();
  if (recipients.empty()) return fail(Errc::no_recipient);
  const std::string sender = packet.sender.starts_with('/') ? identity_->address() + packet.sender : packet.sender;
  const Bytes header = binding_header(packet, canonical(packet.recipient), sender, now());
  auto body = spot::seal(payload, header, recipients, identity_->keys().self());
  if (!body) return body.error();
  if (body->size() > kMaxBodySize) return fail(Errc::too_large);
  packet.body = std::move(*body);
  return {};
}

Result<Bytes> Envelopes::sign(const Address& to, BytesView payload) const {
  const bool is_hash = to.kind == AddressKind::server && to.endpoint == "idcard_find" && payload.size() == 32;
  if (!is_hash && passes_for_a_bottle(payload)) return fail(Errc::refused);
  const auto bottle = spot::sign(clear_bottle(payload), identity_->keys().self());
  if (!bottle) return bottle.error();
  Bytes body = encode_bottle(*bottle);
  if (body.size() > kMaxBodySize) return fail(Errc::too_large);
  return body;
}

Result<Sealed> Envelopes::open(const Message& packet, const KnownCard* card) {
  auto sealed = open_sealed(packet.body, identity_->keys(), card ? card->sign_keys : identity_->signers());
  if (!sealed) return sealed.error();
  if (const auto bound = check_binding(sealed->header, packet, now(), require_binding_); !bound) return bound.error();
  if (!seen_.with([&](ReplayCache& seen) { return seen.remember(sealed->digest); })) return fail(Errc::replay);
  return sealed;
}

Result<Bytes> Envelopes::open_unverified(const Message& packet) {
  if (packet.has(flag::not_bottle)) return packet.body;
  auto opened = open_bottle(packet.body, nullptr);
  if (!opened) return opened.error();
  return std::move(opened->payload);
}

}  // namespace spot
