#include "client/proto/handshake.hpp"

#include "client/bottle/id_card.hpp"
#include "client/crypto/sign.hpp"
#include "tests/unit/crypto/key_types.hpp"

namespace spot {
namespace {

using std::chrono_literals::operator""s;
using cbor::Writer;

const Bytes kNonce(32, 7);

// The fields of a plain request; more may follow.
Writer request(std::size_t more = 0) {
  Writer out;
  out.put_map(3 + more).put_text("srv").put_text("s1").put_text("cid").put_text("s1.7");
  out.put_text("rnd").put_bytes(kNonce);
  return out;
}

Bytes with(std::string_view key, BytesView item) { return request(1).put_text(key).put_item(item).take(); }

void expect_refused(BytesView body) {
  const auto decoded = decode_handshake(body);
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error(), Errc::bad_handshake);
}

TEST(Handshake, ReadsWhatTheRelayAsks) {
  Writer writer = request(3);
  writer.put_text("rdy").put_bool(false).put_text("tls").put_bytes(Bytes(32, 9));
  writer.put_text("grp").put_array(2).put_bytes(view("a")).put_bytes(view("b"));
  const HandshakeRequest decoded = decode_handshake(writer.bytes()).value();
  EXPECT_FALSE(decoded.ready);
  EXPECT_EQ(decoded.server, "s1");
  EXPECT_EQ(decoded.connection, "s1.7");
  EXPECT_EQ(decoded.nonce, kNonce);
  EXPECT_EQ(decoded.certificate, Bytes(32, 9));
  EXPECT_EQ(decoded.memberships, (std::vector<Bytes>{to_bytes("a"), to_bytes("b")}));
}

TEST(Handshake, TakesNullForNoMemberships) {
  EXPECT_TRUE(decode_handshake(with("grp", Bytes{0xF6}))->memberships.empty());
}

TEST(Handshake, EndsWithoutANonce) {
  const Bytes end = Writer{}.put_map(2).put_text("rdy").put_bool(true).put_text("rnd").put_null().take();
  EXPECT_TRUE(decode_handshake(end)->ready);
}

TEST(Handshake, PassesOverFieldsItDoesNotKnow) {
  EXPECT_TRUE(decode_handshake(with("new", Bytes{0x82, 0xA1, 0x61, 'k', 0xF9, 0x3C, 0x00, 0x20})));
}

TEST(Handshake, IsSignedByteForByte) {
  const PrivateKey& key = key_of(KeyType::p256);
  const Bytes asked = request().take();
  const Bytes answer = answer_handshake(asked, view("card"), key).value();
  const Header fields = Header::parse(answer).value();
  EXPECT_EQ(to_string(fields.bytes("id").value()), "card");
  EXPECT_TRUE(equal(fields.bytes("key").value(), key.public_key().pkix()));
  EXPECT_TRUE(verify(key.public_key(), asked, fields.bytes("sig").value()));
}

// Signed, each of these would be a message or a card of ours.
TEST(Handshake, RefusesABottle) {
  const Bottle clear = clear_bottle(view("x"));
  expect_refused(encode_bottle(clear));
  expect_refused(encode_bottle(encrypt(clear, {key_of(KeyType::p256).public_key()}).value()));
}

TEST(Handshake, RefusesCiphertext) { expect_refused(Bytes(60, 0xA5)); }

TEST(Handshake, RefusesAnIdCard) {
  expect_refused(IdCard::of(Keychain::of({key_of(KeyType::p256)}).value(), 1).encode());
}

TEST(Handshake, RefusesARequestThatIsAlsoACard) {
  Writer both = request(1);
  both.put(1).put_bytes(key_of(KeyType::p256).public_key().pkix());
  expect_refused(both.bytes());
}

TEST(Handshake, RefusesIndefiniteLengths) {
  Bytes body = request().take();
  body.front() = 0xBF;
  body.push_back(0xFF);
  expect_refused(body);
  expect_refused(with("new", Bytes{0x9F, 0xFF}));
  expect_refused(with("grp", Bytes{0x9F, 0xFF}));
}

TEST(Handshake, RefusesTruncatedAndTrailingBytes) {
  Bytes body = request().take();
  for (std::size_t size = 0; size < body.size(); ++size) expect_refused(BytesView{body}.first(size));
  body.push_back(0xF6);
  expect_refused(body);
}

TEST(Handshake, RefusesTags) {
  Bytes tagged{0xC1};
  append(tagged, request().take());
  expect_refused(tagged);
  expect_refused(with("rdy", Bytes{0xC1, 0xF4}));
  expect_refused(with("new", Bytes{0xC1, 0x00}));
  expect_refused(with("new", Bytes{0x81, 0xC1, 0x00}));
  expect_refused(with("new", Bytes{0xA1, 0xC1, 0x00, 0x00}));
}

TEST(Handshake, RefusesDuplicateKeysAtAnyDepth) {
  expect_refused(with("rnd", Bytes{0x48, 1, 2, 3, 4, 5, 6, 7, 8}));
  expect_refused(with("new", Bytes{0xA2, 0x00, 0x00, 0x00, 0x00}));
}

TEST(Handshake, RefusesDeepNesting) {
  Bytes deep(200'000, 0x81);
  deep.push_back(0x00);
  expect_refused(with("new", deep));
  expect_refused(deep);
}

TEST(Handshake, RefusesAnotherType) {
  for (const auto* key : {"rdy", "srv", "cid", "rnd", "grp", "tls"}) {
    Writer writer;
    writer.put_map(1).put_text(key).put(7);
    expect_refused(writer.bytes());
  }
  expect_refused(with("grp", Bytes{0x81, 0x61, 'x'}));
  expect_refused({});
}

TEST(Handshake, RefusesNoncesThatAreTooShortOrTooLong) {
  const auto of = [](std::size_t size) { return Writer{}.put_map(1).put_text("rnd").put_bytes(Bytes(size)).take(); };
  expect_refused(of(7));
  EXPECT_TRUE(decode_handshake(of(8)));
  EXPECT_TRUE(decode_handshake(of(256)));
  expect_refused(of(257));
  expect_refused(Writer{}.put_map(1).put_text("rdy").put_bool(false).take());
}

TEST(Handshake, RefusesNamesThatAreLongOrNotPrintable) {
  const auto named = [](std::string_view name) {
    return Writer{}.put_map(2).put_text("srv").put_text(name).put_text("rnd").put_bytes(kNonce).take();
  };
  EXPECT_TRUE(decode_handshake(named(std::string(128, 'x'))));
  expect_refused(named(std::string(129, 'x')));
  expect_refused(named("a\nb"));
  expect_refused(named("\xC3\xA9"));
}

TEST(Handshake, RefusesMoreThan64Memberships) {
  Writer many;
  many.put_array(65);
  for (int i = 0; i < 65; ++i) many.put_bytes({});
  expect_refused(with("grp", many.bytes()));
}

TEST(Handshake, RefusesLengthsBeyondTheEnd) {
  expect_refused(Bytes{0xBB, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF});
  expect_refused(with("grp", Bytes{0x9A, 0x08, 0, 0, 0}));
  expect_refused(with("rnd", Bytes{0x5B, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}));
}

TEST(HandshakeLimit, RefusesTheEleventhInAMinute) {
  HandshakeLimit limit;
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(limit.admit(i * 1s));
  EXPECT_EQ(limit.admit(59s).error(), Errc::rate_exceeded);
  EXPECT_TRUE(limit.admit(60s));
  EXPECT_FALSE(limit.admit(60s));
  EXPECT_TRUE(limit.admit(61s));
}

}  // namespace
}  // namespace spot
