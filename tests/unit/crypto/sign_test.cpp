#include "client/crypto/sign.hpp"

#include "tests/unit/crypto/key_types.hpp"

namespace spot {
namespace {

class SignWith : public testing::TestWithParam<KeyType> {};
INSTANTIATE_TEST_SUITE_P(AllTypes, SignWith,
                         testing::Values(KeyType::p256, KeyType::p384, KeyType::p521, KeyType::ed25519, KeyType::rsa),
                         test_name);

TEST_P(SignWith, VerifiesItsOwnSignature) {
  const PrivateKey& key = key_of(GetParam());
  const Bytes signature = sign(key, view("message")).value();
  EXPECT_TRUE(verify(key.public_key(), view("message"), signature));
}

TEST_P(SignWith, RefusesAnotherMessageAndAnotherKey) {
  const PrivateKey& key = key_of(GetParam());
  const Bytes signature = sign(key, view("message")).value();
  EXPECT_EQ(verify(key.public_key(), view("massage"), signature).error(), Errc::bad_signature);
  const PrivateKey other = PrivateKey::generate(KeyType::p256).value();
  EXPECT_EQ(verify(other.public_key(), view("message"), signature).error(), Errc::bad_signature);
}

TEST_P(SignWith, RefusesATruncatedAndAnEmptySignature) {
  const PrivateKey& key = key_of(GetParam());
  Bytes signature = sign(key, view("message")).value();
  signature.pop_back();
  EXPECT_FALSE(verify(key.public_key(), view("message"), signature));
  EXPECT_FALSE(verify(key.public_key(), view("message"), {}));
}

TEST(Sign, RefusesAKeyThatCannotSign) {
  const PrivateKey& key = key_of(KeyType::x25519);
  EXPECT_EQ(sign(key, view("m")).error(), Errc::unsupported_key);
  EXPECT_EQ(verify(key.public_key(), view("m"), view("s")).error(), Errc::unsupported_key);
}

}  // namespace
}  // namespace spot
