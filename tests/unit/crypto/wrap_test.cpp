#include "client/crypto/wrap.hpp"

#include "client/base/encoding.hpp"
#include "tests/unit/crypto/key_types.hpp"

namespace spot {
namespace {

const Bytes kContentKey(32, 9);

class WrapFor : public testing::TestWithParam<KeyType> {};
INSTANTIATE_TEST_SUITE_P(AllTypes, WrapFor, testing::ValuesIn(kAllKeyTypes), test_name);

TEST_P(WrapFor, UnwrapsWhatItWrapped) {
  const PrivateKey& key = key_of(GetParam());
  const SecretBytes opened = unwrap_key(key, wrap_key(key.public_key(), kContentKey).value()).value();
  EXPECT_TRUE(equal(opened, kContentKey));
}

TEST_P(WrapFor, RefusesAnothersKeyAndChangedBytes) {
  const PrivateKey& key = key_of(GetParam());
  const PrivateKey other = PrivateKey::generate(GetParam()).value();
  Bytes wrapped = wrap_key(key.public_key(), kContentKey).value();
  EXPECT_FALSE(unwrap_key(other, wrapped));
  wrapped.back() ^= 1;
  EXPECT_FALSE(unwrap_key(key, wrapped));
}

TEST_P(WrapFor, RefusesTruncatedText) {
  const PrivateKey& key = key_of(GetParam());
  const Bytes wrapped = wrap_key(key.public_key(), kContentKey).value();
  for (std::size_t size = 0; size < wrapped.size(); size += 7)
    EXPECT_FALSE(unwrap_key(key, BytesView{wrapped}.first(size))) << size;
}

TEST(Wrap, RefusesAnEphemeralKeyOfAnotherCurve) {
  const Bytes wrapped = wrap_key(key_of(KeyType::p384).public_key(), kContentKey).value();
  EXPECT_EQ(unwrap_key(key_of(KeyType::p256), wrapped).error(), Errc::bad_key);
}

TEST(Wrap, RefusesAnX25519SecretOfZero) {
  Bytes pkix = key_of(KeyType::x25519).public_key().pkix();
  std::fill(pkix.end() - 32, pkix.end(), std::uint8_t{0});
  Bytes wrapped{0};
  append_uvarint(wrapped, pkix.size());
  append(wrapped, pkix);
  append(wrapped, Bytes(60));
  EXPECT_EQ(unwrap_key(key_of(KeyType::x25519), wrapped).error(), Errc::bad_key);
}

TEST(Wrap, NamesTheKeysThatThisBuildCannotUse) {
  EXPECT_EQ(unwrap_key(key_of(KeyType::p256), Bytes{2, 1, 1}).error(), Errc::unsupported_key);
  EXPECT_EQ(unwrap_key(key_of(KeyType::p256), Bytes{1, 1, 1}).error(), Errc::unsupported_key);
  EXPECT_EQ(unwrap_key(key_of(KeyType::p256), Bytes{3, 1, 1}).error(), Errc::malformed);
}

TEST(Wrap, RefusesALengthBeyondTheEnd) {
  EXPECT_EQ(unwrap_key(key_of(KeyType::p256), from_hex("00ffffffffffffffff7f00").value()).error(), Errc::malformed);
}

}  // namespace
}  // namespace spot
