// Who is let in, and what becomes of the others: closed with 1008 and logged.
#include <gmock/gmock.h>

#include "client/bottle/bottle.hpp"
#include "client/bottle/open.hpp"
#include "client/crypto/sign.hpp"
#include "tests/unit/relay/relay_fixture.hpp"

namespace spot::relay {
namespace {

class HandshakeTest : public RelayTest {
 protected:
  // What becomes of a guest that answers with this.
  void expect_refusal(Guest& guest, Bytes packet, std::string_view why) {
    const LogCapture log;
    guest.send_packet(std::move(packet));
    EXPECT_EQ(guest.receive_packet().error(), Errc::connection_lost);
    EXPECT_EQ(guest.ending().code, kPolicyViolation);
    EXPECT_THAT(guest.ending().reason, testing::HasSubstr(std::string{why}));
    EXPECT_TRUE(log.has(why));
    EXPECT_EQ(relay_->session_count(), 0U);
  }

  std::shared_ptr<const Keychain> keys_ = new_keys();
  const PrivateKey& self_ = keys_->self();
  const Bytes& public_ = self_.public_key().pkix();
};

// A card in its signed form, with the key of one and the signature of another.
Bytes signed_card(const IdCard& card, const PublicKey& key, const PrivateKey& signer) {
  cbor::Writer header;
  header.put_map(1).put_text("ct").put_text("idcard");
  Bottle inner, outer;
  inner.header = header.take();
  inner.message = card.encode();
  outer.message = encode_bottle(inner);
  outer.format = Format::bottle;
  outer.signatures.push_back({key.pkix(), sign(signer, outer.message).value()});
  return encode_bottle(outer);
}

TEST_F(HandshakeTest, LetsInWhoSignsTheRequest) {
  open();
  const auto guest = enter(keys_);
  EXPECT_TRUE(guest->is_still_connected());
  EXPECT_TRUE(guest->connection.starts_with("c.relay."));
}

TEST_F(HandshakeTest, AsksEachConnectionForAnotherNonce) {
  open();
  const auto a = arrive(), b = arrive();
  const auto first = decode_handshake(a->receive_request()).value();
  const auto second = decode_handshake(b->receive_request()).value();
  EXPECT_EQ(first.nonce.size(), 32U);
  EXPECT_NE(first.nonce, second.nonce);
  EXPECT_FALSE(first.ready);
}

TEST_F(HandshakeTest, TellsTheDigestOfItsCertificate) {
  open();
  auto [ours, theirs] = make_pipe(context_.get_executor(), context_.get_executor());
  Arrival arrival;
  arrival.transport = std::move(theirs);
  arrival.strand = context_.get_executor();
  arrival.accepted = std::chrono::steady_clock::now();
  arrival.certificate = Bytes(32, 7);
  relay_->attach(std::move(arrival));
  const Bytes packet = run(ours->receive()).value();
  EXPECT_EQ(decode_handshake(decode_packet(packet)->body)->certificate, Bytes(32, 7));
}

TEST_F(HandshakeTest, RefusesASignatureOverSomethingElse) {
  open();
  const auto guest = arrive();
  Bytes request = guest->receive_request();
  request.back() ^= 1;
  expect_refusal(*guest, Guest::response(request, card_of(*keys_), public_, self_), "the signature of the handshake");
}

TEST_F(HandshakeTest, RefusesTheAnswerToTheRequestOfAnotherConnection) {
  open();
  const auto other = arrive(), guest = arrive();
  const Bytes theirs = other->receive_request();
  guest->receive_request();
  guest->send_packet(Guest::response(theirs, card_of(*keys_), public_, self_));
  EXPECT_EQ(guest->receive_packet().error(), Errc::connection_lost);
  EXPECT_EQ(guest->ending().code, kPolicyViolation);
}

TEST_F(HandshakeTest, RefusesTheSignatureOfAnotherKey) {
  open();
  const auto guest = arrive();
  const auto other = new_keys();
  const Bytes request = guest->receive_request();
  expect_refusal(*guest, Guest::response(request, card_of(*keys_), public_, other->self()),
                 "the signature of the handshake is wrong");
}

TEST_F(HandshakeTest, RefusesAKeyThatTheCardDoesNotList) {
  open();
  const auto guest = arrive();
  const auto other = new_keys();
  const Bytes request = guest->receive_request();
  expect_refusal(*guest, Guest::response(request, card_of(*keys_), other->self().public_key().pkix(), other->self()),
                 "a key that the card does not list");
}

TEST_F(HandshakeTest, RefusesACardThatIsNotSignedByItself) {
  open();
  const auto other = new_keys();
  const IdCard card = IdCard::of(*keys_, 1'000);
  ASSERT_TRUE(IdCard::load(signed_card(card, self_.public_key(), self_), 1'000));
  for (const PublicKey& claimed : {self_.public_key(), other->self().public_key()}) {
    const auto guest = arrive();
    const Bytes request = guest->receive_request();
    const Bytes forged = signed_card(card, claimed, other->self());
    expect_refusal(*guest, Guest::response(request, forged, public_, self_), "the ID card is not a valid one");
  }
}

TEST_F(HandshakeTest, RefusesACardWithoutASignature) {
  open();
  const auto guest = arrive();
  const Bytes request = guest->receive_request();
  Bottle card = decode_bottle(card_of(*keys_)).value();
  card.signatures.clear();
  expect_refusal(*guest, Guest::response(request, encode_bottle(card), public_, self_),
                 "the ID card is not a valid one");
}

TEST_F(HandshakeTest, RefusesWhatIsNoResponse) {
  open();
  for (const Bytes& body : {Bytes{}, Bytes{0xA0}, Bytes{0xFF}, to_bytes("\xA1\x62id\x60")}) {
    const auto guest = arrive();
    guest->receive_request();
    guest->send_packet(encode_packet(PacketType::handshake, body));
    EXPECT_EQ(guest->receive_packet().error(), Errc::connection_lost) << hex(body);
    EXPECT_EQ(guest->ending().code, kPolicyViolation) << hex(body);
  }
}

TEST_F(HandshakeTest, RefusesWhatIsNoPacket) {
  open();
  const auto guest = arrive();
  guest->receive_request();
  expect_refusal(*guest, Bytes{0xFF}, "not a packet of the protocol");
}

TEST_F(HandshakeTest, RefusesALargePacketBeforeTheHandshake) {
  open();
  const auto guest = arrive();
  guest->receive_request();
  expect_refusal(*guest, encode_packet(PacketType::ping, Bytes(64 << 10)),
                 "a packet before the handshake is too large");
}

TEST_F(HandshakeTest, TakesALargePacketAfterTheHandshake) {
  open();
  const auto guest = enter();
  const Bytes ping = encode_packet(PacketType::ping, Bytes(kMaxPacketSize - 1));
  guest->send_packet(ping);
  EXPECT_EQ(guest->receive_packet().value(), ping);
}

TEST_F(HandshakeTest, DropsMessagesBeforeTheHandshake) {
  open();
  const auto guest = arrive();
  guest->receive_request();
  Message question;
  question.flags = flag::not_bottle;
  question.recipient = "@/time";
  question.sender = "/answer";
  guest->send(std::move(question));
  EXPECT_TRUE(guest->is_still_connected());  // the ping is answered next, and no time is told
}

TEST_F(HandshakeTest, EndsAConnectionThatIsLate) {
  RelayOptions options;
  options.limits.handshake = std::chrono::milliseconds{30};
  open(options);
  const LogCapture log;
  const auto guest = arrive();
  guest->receive_request();
  EXPECT_EQ(guest->receive_packet().error(), Errc::connection_lost);
  EXPECT_EQ(guest->ending().code, kPolicyViolation);
  EXPECT_TRUE(log.has("no handshake in time"));
}

TEST_F(HandshakeTest, KeepsAConnectionThatWasInTime) {
  RelayOptions options;
  options.limits.handshake = std::chrono::milliseconds{500};
  options.limits.stalled = std::chrono::milliseconds{20};
  open(options);
  const auto guest = enter();
  const auto later = arrive();  // its end is seen after the time-out of the first
  later->receive_request();
  EXPECT_EQ(later->receive_packet().error(), Errc::connection_lost);
  EXPECT_TRUE(guest->is_still_connected());
}

TEST_F(HandshakeTest, PushesWhatTheOperatorGaveAndTakesTheNewCard) {
  open();
  const auto group = new_keys();
  const auto membership = make_membership(public_, group->self(), "valid", 1'000).value();
  GroupEntry entry{hash_of(*group), hash_of(*keys_), true, 1'000, encode_membership(membership)};
  ASSERT_TRUE(run(relay_->database().store_membership(std::move(entry))));

  const auto guest = arrive();
  const Bytes first = guest->receive_request();
  guest->send_packet(Guest::response(first, card_of(*keys_), public_, self_));
  const Bytes second = guest->receive_request();
  const auto request = decode_handshake(second).value();
  ASSERT_EQ(request.memberships.size(), 1U);
  EXPECT_FALSE(request.ready);

  const std::vector<Bytes> wanted{group->self().public_key().pkix()};
  IdCard card = IdCard::of(*keys_, 2'000);
  ASSERT_TRUE(card.merge_membership(decode_membership(request.memberships[0]).value(), wanted, nullptr, 2'000).value());
  guest->send_packet(Guest::response(second, card.sign(self_).value(), public_, self_));
  EXPECT_TRUE(decode_handshake(guest->receive_request())->ready);
  EXPECT_EQ(run(relay_->database().members(hash_of(*group))).value(), std::vector{hash_of(*keys_)});
}

TEST_F(HandshakeTest, RefusesAnotherIdentityInTheMiddle) {
  open();
  const auto group = new_keys();
  const auto membership = make_membership(public_, group->self(), "valid", 1'000).value();
  GroupEntry entry{hash_of(*group), hash_of(*keys_), true, 1'000, encode_membership(membership)};
  ASSERT_TRUE(run(relay_->database().store_membership(std::move(entry))));
  const auto guest = arrive();
  guest->send_packet(Guest::response(guest->receive_request(), card_of(*keys_), public_, self_));
  const auto other = new_keys();
  const Bytes second = guest->receive_request();
  expect_refusal(*guest, Guest::response(second, card_of(*other), other->self().public_key().pkix(), other->self()),
                 "another identity in the middle of the handshake");
}

}  // namespace
}  // namespace spot::relay
