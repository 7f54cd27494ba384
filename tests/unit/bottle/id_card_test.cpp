#include "client/bottle/id_card.hpp"

#include "tests/unit/crypto/key_types.hpp"

namespace spot {
namespace {

constexpr UnixSeconds kNow = 1'790'000'000;

Keychain all_keys() {
  return Keychain::of({key_of(KeyType::p256), key_of(KeyType::ed25519), key_of(KeyType::x25519)}).value();
}
IdCard card() { return IdCard::of(all_keys(), kNow); }
Bytes signed_card(const IdCard& c) { return c.sign(key_of(KeyType::p256)).value(); }

TEST(IdCard, LoadsWhatItSigned) {
  const IdCard loaded = IdCard::load(signed_card(card()), kNow).value();
  EXPECT_EQ(loaded.encode(), card().encode());
  EXPECT_EQ(loaded.keys_for("decrypt", kNow).size(), 3U);
  EXPECT_EQ(loaded.keys_for("sign", kNow).size(), 2U);
}

TEST(IdCard, RefusesACardOfAnotherHash) {
  EXPECT_TRUE(IdCard::load_for(signed_card(card()), card().hash(), kNow));
  EXPECT_EQ(IdCard::load_for(signed_card(card()), Sha256{}, kNow).error(), Errc::bad_card);
}

TEST(IdCard, RefusesOneIssuedMoreThanADayAhead) {
  EXPECT_TRUE(IdCard::load(signed_card(IdCard::of(all_keys(), kNow + 86'400)), kNow));
  EXPECT_EQ(IdCard::load(signed_card(IdCard::of(all_keys(), kNow + 86'401)), kNow).error(), Errc::bad_card);
}

TEST(IdCard, RefusesOneSignedByAnotherKey) {
  Bottle outer = decode_bottle(signed_card(card())).value();
  outer.signatures.clear();
  const Bytes forged = encode_bottle(sign(outer, key_of(KeyType::ed25519)).value());
  EXPECT_EQ(IdCard::load(forged, kNow).error(), Errc::bad_card);
}

// A handshake request of the relay's making that is a card with integer keys, once we signed its bytes.
TEST(IdCard, RefusesSignedBytesThatAreNotMarkedAsACard) {
  const Bytes direct = encode_bottle(sign(clear_bottle(card().encode()), key_of(KeyType::p256)).value());
  EXPECT_TRUE(IdCard::decode(open_bottle(direct, nullptr)->payload));
  EXPECT_EQ(IdCard::load(direct, kNow).error(), Errc::bad_card);
}

TEST(IdCard, KnowsWhenItListsAKeyOfOurs) {
  EXPECT_TRUE(card().lists_any_of(Keychain::of({key_of(KeyType::ed25519)}).value()));
  EXPECT_FALSE(card().lists_any_of(Keychain::of({key_of(KeyType::p384)}).value()));
}

TEST(IdCard, RefusesTruncatedBytesAndDuplicateKeys) {
  const Bytes encoded = card().encode();
  for (std::size_t size = 0; size < encoded.size(); ++size)
    EXPECT_FALSE(IdCard::decode(BytesView{encoded}.first(size)));
  EXPECT_FALSE(IdCard::decode(Bytes{0xA2, 0x01, 0x41, 0x00, 0x01, 0x41, 0x00}));
}

class Group : public testing::Test {
 protected:
  Membership membership(std::string status, UnixSeconds issued) const {
    return make_membership(card_.self(), key_of(KeyType::p384), std::move(status), issued).value();
  }
  const std::vector<Bytes> wanted_{key_of(KeyType::p384).public_key().pkix()};
  IdCard card_ = card();
};

TEST_F(Group, IsMergedAndLeftAgain) {
  EXPECT_TRUE(card_.merge_membership(membership("valid", 5), wanted_, nullptr, kNow).value());
  EXPECT_EQ(card_.groups().size(), 1U);
  EXPECT_FALSE(card_.merge_membership(membership("valid", 5), wanted_, nullptr, kNow).value());
  EXPECT_TRUE(card_.merge_membership(membership("suspended", 6), wanted_, nullptr, kNow).value());
  EXPECT_TRUE(card_.groups().empty());
}

TEST_F(Group, ThatNobodyAskedForIsRefused) {
  EXPECT_EQ(card_.merge_membership(membership("valid", 5), {}, nullptr, kNow).error(), Errc::refused);
}

TEST_F(Group, OfAnotherSubjectIsRefused) {
  const Bytes other = key_of(KeyType::ed25519).public_key().pkix();
  const Membership foreign = make_membership(other, key_of(KeyType::p384), "valid", 5).value();
  EXPECT_EQ(card_.merge_membership(foreign, wanted_, nullptr, kNow).error(), Errc::refused);
  EXPECT_EQ(verify_membership(foreign, card_.self(), nullptr, kNow).error(), Errc::wrong_name);
}

TEST_F(Group, WithAChangedFieldIsRefused) {
  Membership changed = membership("suspended", 5);
  changed.status = "valid";
  EXPECT_EQ(card_.merge_membership(changed, wanted_, nullptr, kNow).error(), Errc::bad_signature);
}

TEST_F(Group, ComesBackFromItsBytes) {
  const Bytes encoded = encode_membership(membership("valid", 5));
  EXPECT_EQ(encode_membership(decode_membership(encoded).value()), encoded);
  for (std::size_t size = 0; size < encoded.size(); ++size)
    EXPECT_FALSE(decode_membership(BytesView{encoded}.first(size)));
}

}  // namespace
}  // namespace spot
