#include "client/crypto/sign.hpp"

#include <atomic>
#include <thread>

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

TEST_P(SignWith, GoesOnAfterASignatureThatIsBad) {
  const PrivateKey& key = key_of(GetParam());
  const Bytes good = sign(key, view("message")).value();
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(verify(key.public_key(), view("message"), Bytes(good.size(), 0x30)));
    EXPECT_TRUE(verify(key.public_key(), view("message"), good));
  }
}

TEST_P(SignWith, SignsOnManyThreadsAtOnce) {
  const PrivateKey& key = key_of(GetParam());
  std::vector<std::thread> threads;
  std::atomic<int> good{0};
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&, i] {
      for (int n = 0; n < 20; ++n) {
        const Bytes message = to_bytes(std::to_string(100 * i + n));
        const auto signature = sign(key, message);
        good += signature && verify(key.public_key(), message, *signature) ? 1 : 0;
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 80);
}

TEST(Sign, RefusesAKeyThatCannotSign) {
  const PrivateKey& key = key_of(KeyType::x25519);
  EXPECT_EQ(sign(key, view("m")).error(), Errc::unsupported_key);
  EXPECT_EQ(verify(key.public_key(), view("m"), view("s")).error(), Errc::unsupported_key);
}

}  // namespace
}  // namespace spot
