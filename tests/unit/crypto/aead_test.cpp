#include "client/crypto/aead.hpp"

#include <gtest/gtest.h>

#include "client/crypto/hash.hpp"

namespace spot {
namespace {

const Bytes kKey(32, 7);

TEST(Aead, OpensWhatItSealed) {
  for (const std::size_t size : {0U, 1U, 45056U}) {
    const Bytes text(size, 0x5A);
    const Bytes sealed = aead_seal(kKey, text, view("context")).value();
    EXPECT_EQ(sealed.size(), size + kAeadOverhead);
    EXPECT_EQ(aead_open(kKey, sealed, view("context")).value(), text);
  }
}

TEST(Aead, NeverUsesANonceTwice) { EXPECT_NE(aead_seal(kKey, view("a")).value(), aead_seal(kKey, view("a")).value()); }

TEST(Aead, RefusesAChangeOfAnyByte) {
  const Bytes sealed = aead_seal(kKey, view("text"), view("context")).value();
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    Bytes changed = sealed;
    changed[i] ^= 1;
    EXPECT_EQ(aead_open(kKey, changed, view("context")).error(), Errc::bad_signature) << i;
  }
}

TEST(Aead, RefusesAnotherContextAndAnotherKey) {
  const Bytes sealed = aead_seal(kKey, view("text"), view("context")).value();
  EXPECT_EQ(aead_open(kKey, sealed, view("other")).error(), Errc::bad_signature);
  EXPECT_EQ(aead_open(Bytes(32, 8), sealed, view("context")).error(), Errc::bad_signature);
}

TEST(Aead, RefusesTruncatedTextAndKeysOfAnotherSize) {
  const Bytes sealed = aead_seal(kKey, {}).value();
  EXPECT_EQ(aead_open(kKey, BytesView{sealed}.first(27)).error(), Errc::malformed);
  EXPECT_EQ(aead_open(kKey, {}).error(), Errc::malformed);
  EXPECT_EQ(aead_open(Bytes(16), sealed).error(), Errc::bad_argument);
}

}  // namespace
}  // namespace spot
