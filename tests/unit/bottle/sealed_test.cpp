#include "client/bottle/sealed.hpp"

#include "client/crypto/sign.hpp"
#include "tests/unit/crypto/key_types.hpp"

namespace spot {
namespace {

const Bytes kNoHeader{0xA0};

Keychain chain(const PrivateKey& key) { return Keychain::of({key_of(KeyType::p256), key}).value(); }
const PrivateKey& self() { return key_of(KeyType::p256); }
std::vector<PublicKey> ours() { return {self().public_key()}; }

class SealedFor : public testing::TestWithParam<KeyType> {};
INSTANTIATE_TEST_SUITE_P(AllTypes, SealedFor, testing::ValuesIn(kAllKeyTypes), test_name);

TEST_P(SealedFor, OpensWithPayloadAndHeader) {
  const PrivateKey& key = key_of(GetParam());
  const PrivateKey& signer = key.public_key().can_sign() ? key : self();
  const Bytes header = cbor::Writer{}.put_map(1).put_text("ct").put_text("test").take();
  const Bytes sealed = seal(view("payload"), header, {key.public_key()}, signer).value();
  const Sealed opened = open_sealed(sealed, chain(key), {signer.public_key()}).value();
  EXPECT_EQ(to_string(opened.payload), "payload");
  EXPECT_EQ(opened.header.text("ct"), "test");
}

TEST(Sealed, CostsFewBytes) {
  const Bytes sealed = seal(Bytes(45056), kNoHeader, ours(), self()).value();
  // A P-256 signature in DER is at most 72 bytes, and often one or two less.
  EXPECT_LE(sealed.size(), 45056 + 471U);
}

TEST(Sealed, RefusesAnotherSigner) {
  const PrivateKey other = PrivateKey::generate(KeyType::p256).value();
  const Bytes sealed = seal(view("x"), kNoHeader, ours(), other).value();
  EXPECT_EQ(open_sealed(sealed, chain(self()), ours()).error(), Errc::wrong_signer);
}

TEST(Sealed, RefusesAChangedByteAnywhere) {
  const Bytes sealed = seal(view("x"), kNoHeader, ours(), self()).value();
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    Bytes changed = sealed;
    changed[i] ^= 0x01;
    EXPECT_FALSE(open_sealed(changed, chain(self()), ours())) << i;
  }
}

// What a relay can do with a text that we signed in clear: encrypt it to us. The general opener takes it as ours.
TEST(Sealed, RefusesASignedClearTextInAnothersEncryption) {
  const Bottle signed_clear = sign(clear_bottle(view("handshake")), self()).value();
  const Bytes wrapped = encode_bottle(encrypt(signed_clear, ours()).value());
  const Keychain keys = chain(self());
  const Opened fooled = open_bottle(wrapped, &keys).value();
  EXPECT_EQ(fooled.signers.front(), self().public_key());
  EXPECT_EQ(fooled.decryptions, 1U);
  EXPECT_EQ(open_sealed(wrapped, keys, ours()).error(), Errc::not_sealed);
}

TEST(Sealed, RefusesASignedClearText) {
  const Bytes clear = encode_bottle(sign(clear_bottle(view("x")), self()).value());
  EXPECT_EQ(open_sealed(clear, chain(self()), ours()).error(), Errc::not_sealed);
}

TEST(Sealed, RefusesEncryptionWithoutASignature) {
  const Bytes anonymous = encode_bottle(bottle_up(encrypt(clear_bottle(view("x")), ours()).value()));
  EXPECT_EQ(open_sealed(anonymous, chain(self()), ours()).error(), Errc::not_sealed);
}

TEST(Sealed, RefusesAnInnerLevelThatIsSigned) {
  const Bottle inner = sign(clear_bottle(view("x")), self()).value();
  const Bytes sealed = encode_bottle(sign(bottle_up(encrypt(inner, ours()).value()), self()).value());
  EXPECT_EQ(open_sealed(sealed, chain(self()), ours()).error(), Errc::not_sealed);
}

TEST(Sealed, RefusesWhatIsEncryptedForOthers) {
  const PrivateKey other = PrivateKey::generate(KeyType::p256).value();
  const Bytes sealed = seal(view("x"), kNoHeader, {other.public_key()}, self()).value();
  EXPECT_EQ(open_sealed(sealed, chain(self()), ours()).error(), Errc::not_for_us);
}

TEST(Sealed, NeedsARecipient) { EXPECT_EQ(seal(view("x"), kNoHeader, {}, self()).error(), Errc::no_recipient); }

TEST(Sealed, HasOneDigestUnderAnySigner) {
  const Bytes sealed = seal(view("x"), kNoHeader, ours(), self()).value();
  Bottle outer = decode_bottle(sealed).value();
  const PrivateKey other = PrivateKey::generate(KeyType::p256).value();
  outer.signatures.clear();
  const Bytes signed_anew = encode_bottle(sign(outer, other).value());
  EXPECT_EQ(open_sealed(sealed, chain(self()), ours())->digest,
            open_sealed(signed_anew, chain(self()), {other.public_key()})->digest);
}

}  // namespace
}  // namespace spot
