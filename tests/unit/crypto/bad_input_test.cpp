// What the parsers of keys do with bad input of every kind: an error, within bounded memory.
#include <algorithm>
#include <atomic>
#include <cstdlib>

#include <openssl/crypto.h>

#include "client/crypto/key.hpp"
#include "client/crypto/wrap.hpp"
#include "tests/unit/crypto/key_types.hpp"

namespace spot {
namespace {

// OpenSSL's memory, counted from the start of the program.
std::atomic<std::size_t> allocated{0};

void* count_malloc(std::size_t size, const char*, int) {
  allocated += size;
  return std::malloc(size);
}
void* count_realloc(void* p, std::size_t size, const char*, int) {
  allocated += size;
  return std::realloc(p, size);
}
void count_free(void* p, const char*, int) { std::free(p); }

const bool counts = CRYPTO_set_mem_functions(&count_malloc, &count_realloc, &count_free) == 1;

// Bytes that parsing any key may take, all in all; one of our own is tried in several formats.
constexpr std::size_t kMost = 512 * 1024, kMostPrivate = 4 << 20;

bool parses(BytesView bytes) {
  // What OpenSSL makes once and keeps is not counted.
  static_cast<void>(PublicKey::parse(bytes));
  static_cast<void>(PrivateKey::parse_der(bytes));
  const std::size_t before = allocated;
  bool out = false;
  EXPECT_NO_THROW(out = PublicKey::parse(bytes).has_value());
  EXPECT_LT(allocated - before, kMost);
  EXPECT_NO_THROW(static_cast<void>(PrivateKey::parse_der(bytes)));
  EXPECT_LT(allocated - before, kMost + kMostPrivate);
  return out;
}

Bytes replaced(const Bytes& whole, std::size_t at, std::size_t size, const Bytes& by) {
  Bytes out{whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(at)};
  append(out, by);
  append(out, BytesView{whole}.subspan(at + size));
  return out;
}

class BadPublicKey : public testing::TestWithParam<KeyType> {
 protected:
  const Bytes& good() const { return key_of(GetParam()).public_key().pkix(); }
};
INSTANTIATE_TEST_SUITE_P(AllTypes, BadPublicKey, testing::ValuesIn(kAllKeyTypes), test_name);

TEST_P(BadPublicKey, IsCounted) { ASSERT_TRUE(counts); }

// Tags and lengths among them: what parses is a key that encodes to just these bytes.
TEST_P(BadPublicKey, IsRefusedWhateverByteIsChangedUnlessItStillIsOne) {
  for (std::size_t i = 0; i < good().size(); ++i) {
    for (const int flip : {0x01, 0x20, 0x80, 0xFF}) {
      Bytes changed = good();
      changed[i] = static_cast<std::uint8_t>(changed[i] ^ flip);
      if (parses(changed)) {
        EXPECT_EQ(PublicKey::parse(changed)->pkix(), changed);
      }
    }
  }
}

TEST_P(BadPublicKey, IsRefusedWhereALengthPromisesTooMuch) {
  const std::vector<Bytes> lengths{{0x84, 0x08, 0, 0, 0},
                                   {0x84, 0x7F, 0xFF, 0xFF, 0xFF},
                                   {0x84, 0xFF, 0xFF, 0xFF, 0xFF},
                                   {0x88, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF},
                                   {0x80},
                                   {0xFF}};
  const bool is_short = GetParam() == KeyType::ed25519 || GetParam() == KeyType::x25519;
  const std::size_t before_key = is_short ? 12 : GetParam() == KeyType::rsa ? 32 : 23;
  for (std::size_t i = 1; i < before_key; ++i)
    for (const Bytes& length : lengths) EXPECT_FALSE(parses(replaced(good(), i, 1, length))) << i;
}

TEST_P(BadPublicKey, IsRefusedInALongerForm) {
  // The length of the whole with one more byte than it needs.
  const bool is_long = (good()[1] & 0x80) != 0;
  const std::size_t size = is_long ? std::size_t{1} + (good()[1] & 0x7F) : 1;
  Bytes length{static_cast<std::uint8_t>(0x80 + (is_long ? size : 1))};
  if (is_long) length.push_back(0);
  append(length, BytesView{good()}.subspan(is_long ? 2 : 1, is_long ? size - 1 : 1));
  EXPECT_FALSE(parses(replaced(good(), 1, size, length)));
}

TEST_P(BadPublicKey, IsRefusedAsAKeyForAContentKey) {
  // The ephemeral key of a wrapped content key comes from the sender.
  for (std::size_t size = 0; size < good().size(); ++size) {
    Bytes wrapped{0x00, static_cast<std::uint8_t>(std::min<std::size_t>(size, 127))};
    append(wrapped, BytesView{good()}.first(size));
    for (const KeyType type : {KeyType::p256, KeyType::x25519, KeyType::ed25519})
      EXPECT_FALSE(unwrap_key(key_of(type), wrapped));
  }
}

TEST(BadKey, ThatIsDeeplyNestedIsRefused) {
  for (const std::uint8_t tag : Bytes{0x30, 0x31, 0xA0}) {
    Bytes definite;  // 60 levels, as deep as one-byte lengths allow; then with indefinite lengths
    for (int left = 120; left > 0; left -= 2)
      definite.insert(definite.end(), {tag, static_cast<std::uint8_t>(left - 2)});
    EXPECT_FALSE(parses(definite));
    Bytes indefinite;
    for (int i = 0; i < 100'000; ++i) indefinite.insert(indefinite.end(), {tag, 0x80});
    EXPECT_FALSE(parses(indefinite));
  }
}

TEST(BadKey, OfRsaThatIsTooLargeIsRefused) {
  // A modulus of 16,384 bits: SEQUENCE { SEQUENCE { rsaEncryption, NULL }, BIT STRING { SEQUENCE { n, 65537 } } }.
  const auto with_length = [](std::uint8_t tag, const Bytes& content) {
    Bytes out{tag, 0x82, static_cast<std::uint8_t>(content.size() >> 8), static_cast<std::uint8_t>(content.size())};
    append(out, content);
    return out;
  };
  const auto key_with = [&](std::size_t bytes) {
    Bytes modulus(bytes + 1, 0xAB);
    modulus[0] = 0;
    Bytes numbers = with_length(0x02, modulus);
    append(numbers, Bytes{0x02, 0x03, 0x01, 0x00, 0x01});
    Bytes bits{0x00};
    append(bits, with_length(0x30, numbers));
    Bytes whole{0x30, 0x0D, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01, 0x05, 0x00};
    append(whole, with_length(0x03, bits));
    return with_length(0x30, whole);
  };
  EXPECT_TRUE(parses(key_with(8192 / 8)));
  EXPECT_FALSE(parses(key_with(8192 / 8 + 1)));
  EXPECT_FALSE(parses(key_with(16'384 / 8)));
  EXPECT_FALSE(parses(key_with(2048 / 8 - 1)));
}

TEST(BadPem, IsRefused) {
  const SecretBytes pem = key_of(KeyType::ed25519).to_pem().value();
  const Bytes good{pem.begin(), pem.end()};
  ASSERT_TRUE(PrivateKey::parse_pem(good));
  const std::string_view end = "-----END PRIVATE KEY-----";
  const std::size_t needed = as_text(good).find(end) + end.size();
  const std::size_t before = allocated;
  for (std::size_t size = 0; size < needed; ++size)
    EXPECT_FALSE(PrivateKey::parse_pem(BytesView{good}.first(size))) << size;
  for (const char* type : {"PUBLIC KEY", "CERTIFICATE", "DSA PRIVATE KEY", "PRIVATE  KEY"}) {
    std::string text = to_string(good);
    for (std::size_t at = text.find("PRIVATE KEY"); at != text.npos; at = text.find("PRIVATE KEY", at + 20))
      text.replace(at, 11, type);
    EXPECT_FALSE(PrivateKey::parse_pem(view(text))) << type;
  }
  EXPECT_LT(allocated - before, needed * kMostPrivate);
}

}  // namespace
}  // namespace spot
