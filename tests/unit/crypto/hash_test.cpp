#include "client/crypto/hash.hpp"

#include <gtest/gtest.h>

#include "client/base/encoding.hpp"

namespace spot {
namespace {

TEST(Sha256, HasTheValueOfFips180) {
  EXPECT_EQ(hex(sha256(view("abc"))), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Hkdf, HasTheFirstBytesOfRfc5869TestCase1) {
  const Bytes secret(22, 0x0B);
  const Bytes salt = from_hex("000102030405060708090a0b0c").value();
  const Bytes info = from_hex("f0f1f2f3f4f5f6f7f8f9").value();
  EXPECT_EQ(hex(hkdf_sha256(secret, salt, as_text(info))),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf");
}

TEST(Hkdf, HasTheFirstBytesOfRfc5869TestCase3WithNeitherSaltNorInfo) {
  EXPECT_EQ(hex(hkdf_sha256(Bytes(22, 0x0B), {}, {})),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d");
}

TEST(Uuid, IsOfVersion4) {
  const Uuid uuid = random_uuid();
  EXPECT_EQ(uuid[6] >> 4, 4);
  EXPECT_EQ(uuid[8] >> 6, 2);
  EXPECT_EQ(to_text(uuid).size(), 36U);
}

}  // namespace
}  // namespace spot
