#include "client/crypto/key.hpp"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "client/base/encoding.hpp"
#include "client/base/handle.hpp"
#include "tests/unit/crypto/key_types.hpp"

namespace spot {
namespace {

using PKey = Handle<EVP_PKEY, &EVP_PKEY_free>;

Bytes pkix_of(EVP_PKEY* key) {
  std::uint8_t* der = nullptr;
  const int size = i2d_PUBKEY(key, &der);
  Bytes out{der, der + size};
  OPENSSL_free(der);
  return out;
}

Bytes with_point(const Bytes& pkix, const Bytes& point) {
  Bytes out{pkix.begin(), pkix.end() - static_cast<std::ptrdiff_t>(point.size())};
  append(out, point);
  return out;
}

// Replaces the uncompressed point of a P-256 key, and mends the two lengths in front of it.
Bytes with_short_point(BytesView point) {
  const Bytes& pkix = key_of(KeyType::p256).public_key().pkix();
  Bytes out{pkix.begin(), pkix.end() - 65};
  const auto less = static_cast<std::uint8_t>(65 - point.size());
  out[1] = static_cast<std::uint8_t>(out[1] - less);
  out[out.size() - 2] = static_cast<std::uint8_t>(out[out.size() - 2] - less);
  append(out, point);
  return out;
}

// What a parser takes that asks OpenSSL alone.
bool openssl_takes(const Bytes& pkix) {
  const std::uint8_t* at = pkix.data();
  return PKey{d2i_PUBKEY(nullptr, &at, static_cast<long>(pkix.size()))} != nullptr;
}

void expect_odd_key(const Bytes& pkix) {
  EXPECT_TRUE(openssl_takes(pkix));
  EXPECT_EQ(PublicKey::parse(pkix).error(), Errc::bad_key);
}

class KeyOf : public testing::TestWithParam<KeyType> {};
INSTANTIATE_TEST_SUITE_P(AllTypes, KeyOf, testing::ValuesIn(kAllKeyTypes), test_name);

TEST_P(KeyOf, ComesBackFromItsPublicBytes) {
  const PublicKey& key = key_of(GetParam()).public_key();
  const PublicKey parsed = PublicKey::parse(key.pkix()).value();
  EXPECT_EQ(parsed, key);
  EXPECT_EQ(parsed.type(), GetParam());
  EXPECT_EQ(parsed.hash(), sha256(key.pkix()));
}

TEST_P(KeyOf, ComesBackFromItsPem) {
  const PrivateKey& key = key_of(GetParam());
  EXPECT_EQ(PrivateKey::parse_pem(key.to_pem().value()).value().public_key(), key.public_key());
}

TEST_P(KeyOf, IsRefusedWhenTruncatedOrContinued) {
  Bytes pkix = key_of(GetParam()).public_key().pkix();
  for (std::size_t size = 0; size < pkix.size(); ++size) EXPECT_FALSE(PublicKey::parse(BytesView{pkix}.first(size)));
  pkix.push_back(0);
  EXPECT_EQ(PublicKey::parse(pkix).error(), Errc::bad_key);
}

TEST(PublicKey, RefusesAPointThatIsNotOnTheCurve) {
  for (const KeyType type : {KeyType::p256, KeyType::p384, KeyType::p521}) {
    Bytes pkix = key_of(type).public_key().pkix();
    pkix.back() ^= 1;
    EXPECT_EQ(PublicKey::parse(pkix).error(), Errc::bad_key);
  }
}

TEST(PublicKey, RefusesThePointAtInfinity) { expect_odd_key(with_short_point(Bytes{0})); }

TEST(PublicKey, RefusesACompressedPoint) {
  const Bytes& pkix = key_of(KeyType::p256).public_key().pkix();
  Bytes point{static_cast<std::uint8_t>(2 + (pkix.back() & 1))};
  append(point, BytesView{pkix}.subspan(pkix.size() - 64, 32));
  expect_odd_key(with_short_point(point));
}

TEST(PublicKey, RefusesAHybridPoint) {
  Bytes pkix = key_of(KeyType::p256).public_key().pkix();
  pkix[pkix.size() - 65] = static_cast<std::uint8_t>(6 + (pkix.back() & 1));
  expect_odd_key(pkix);
}

TEST(PublicKey, RefusesExplicitParametersOfTheCurve) {
  const PKey key{EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "prime256v1")};
  ASSERT_EQ(EVP_PKEY_set_utf8_string_param(key.get(), "encoding", "explicit"), 1);
  expect_odd_key(pkix_of(key.get()));
}

TEST(PublicKey, RefusesOtherCurves) {
  for (const char* curve : {"secp256k1", "secp224r1", "sect283r1", "brainpoolP256r1"}) {
    const PKey key{EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", curve)};
    ASSERT_TRUE(key) << curve;
    expect_odd_key(pkix_of(key.get()));
  }
}

TEST(PublicKey, RefusesRsaKeysThatAreTooSmall) {
  const PKey key{EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{1024})};
  expect_odd_key(pkix_of(key.get()));
}

TEST(PublicKey, RefusesOtherAlgorithms) {
  const PKey key{EVP_PKEY_Q_keygen(nullptr, nullptr, "ED448")};
  expect_odd_key(pkix_of(key.get()));
}

TEST(PublicKey, RefusesEd25519PointsOfSmallOrder) {
  const Bytes& pkix = key_of(KeyType::ed25519).public_key().pkix();
  for (const char* point : {"0100000000000000000000000000000000000000000000000000000000000000",
                            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                            "0000000000000000000000000000000000000000000000000000000000000000",
                            "0000000000000000000000000000000000000000000000000000000000000080",
                            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
                            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
                            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
                            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"})
    expect_odd_key(with_point(pkix, from_hex(point).value()));
}

// Of which everyone has a signature for every message.
TEST(PublicKey, RefusesTheEd25519KeyThatAnyoneCanSignFor) {
  const Bytes neutral = from_hex("0100000000000000000000000000000000000000000000000000000000000000").value();
  const Bytes pkix = with_point(key_of(KeyType::ed25519).public_key().pkix(), neutral);
  const std::uint8_t* at = pkix.data();
  const PKey key{d2i_PUBKEY(nullptr, &at, static_cast<long>(pkix.size()))};
  Bytes signature = neutral;  // R; s is 0
  signature.resize(64);
  using Context = Handle<EVP_MD_CTX, &EVP_MD_CTX_free>;
  for (const std::string_view message : {"a handshake", "a blob"}) {
    const Context context{EVP_MD_CTX_new()};
    ASSERT_EQ(EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()), 1);
    ASSERT_EQ(EVP_DigestVerify(context.get(), signature.data(), signature.size(), view(message).data(), message.size()),
              1);
  }
  expect_odd_key(pkix);
}

TEST(PublicKey, RefusesEd25519PointsThatAreNotCanonical) {
  const Bytes& pkix = key_of(KeyType::ed25519).public_key().pkix();
  // p + 3 is 3 again; p itself is 0; 2 is on no point of the curve.
  for (const char* point : {"f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                            "0200000000000000000000000000000000000000000000000000000000000000"})
    expect_odd_key(with_point(pkix, from_hex(point).value()));
}

TEST(PublicKey, NamesMlKemAsUnsupported) {
  // SubjectPublicKeyInfo of ML-KEM-768 (2.16.840.1.101.3.4.4.2) with a short key.
  const Bytes pkix = from_hex("3014300b0609608648016503040402030500aabbccdd").value();
  EXPECT_EQ(PublicKey::parse(pkix).error(), Errc::unsupported_key);
}

TEST(PrivateKey, RefusesAnEncryptedPemWithoutAsking) {
  const std::string pem =
      "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIGjMF8GCSqGSIb3DQEFDTBSMDEGCSqGSIb3DQEFDDAkBBA=\n"
      "-----END ENCRYPTED PRIVATE KEY-----\n";
  EXPECT_EQ(PrivateKey::parse_pem(view(pem)).error(), Errc::bad_key);
}

TEST(PrivateKey, RefusesTruncatedDer) {
  EXPECT_EQ(PrivateKey::parse_der({}).error(), Errc::bad_key);
  EXPECT_EQ(PrivateKey::parse_der(Bytes{0x30, 0x82, 0xFF, 0xFF}).error(), Errc::bad_key);
}

}  // namespace
}  // namespace spot
