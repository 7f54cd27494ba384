#include "fs/content/seal.hpp"

#include <gtest/gtest.h>

#include "client/bottle/bottle.hpp"
#include "client/crypto/hash.hpp"

namespace spotfs {

namespace {

class ContentSeal : public testing::Test {
 protected:
  static spot::SecretBytes secret(std::uint8_t fill) { return spot::SecretBytes(32, fill); }
  static constexpr BlobId kStore{1}, kId{2};
  const ContentCipher cipher_{kStore, secret(7)};
  const Bytes plaintext_ = spot::to_bytes("what is in the file");
  const Bytes sealed_ = cipher_.seal(ContentKind::data, kId, plaintext_).value();
};

TEST_F(ContentSeal, OpensWhatItSealed) {
  EXPECT_EQ(cipher_.open(ContentKind::data, kId, sealed_).value(), plaintext_);
  EXPECT_EQ(cipher_.open(ContentKind::data, kId, sealed_, plaintext_.size()).value(), plaintext_);
}

TEST_F(ContentSeal, IsBoundToItsKindIdStoreAndSecret) {
  EXPECT_EQ(cipher_.open(ContentKind::index, kId, sealed_).error(), Errc::bad_signature);
  EXPECT_EQ(cipher_.open(ContentKind::data, BlobId{3}, sealed_).error(), Errc::bad_signature);
  const ContentCipher other_store{BlobId{9}, secret(7)}, other_secret{kStore, secret(8)};
  EXPECT_EQ(other_store.open(ContentKind::data, kId, sealed_).error(), Errc::bad_signature);
  EXPECT_EQ(other_secret.open(ContentKind::data, kId, sealed_).error(), Errc::bad_signature);
}

TEST_F(ContentSeal, AnyChangedByteIsRefused) {
  for (std::size_t i = 0; i < sealed_.size(); ++i) {
    Bytes changed = sealed_;
    changed[i] ^= 1;
    EXPECT_FALSE(cipher_.open(ContentKind::data, kId, changed)) << i;
  }
}

TEST_F(ContentSeal, AnyOtherLengthIsRefused) {
  for (std::size_t size = 0; size < sealed_.size(); ++size)
    EXPECT_FALSE(cipher_.open(ContentKind::data, kId, BytesView{sealed_}.first(size))) << size;
  Bytes longer = sealed_;
  longer.push_back(0);
  EXPECT_EQ(cipher_.open(ContentKind::data, kId, longer).error(), Errc::not_sealed);
  EXPECT_EQ(cipher_.open(ContentKind::data, kId, sealed_, plaintext_.size() - 1).error(), Errc::malformed);
}

TEST_F(ContentSeal, HasItsShapeInTheWayThatTheDesignFixes) {
  const spot::Bottle bottle = spot::decode_bottle(sealed_).value();
  EXPECT_EQ(bottle.format, spot::Format::clear);
  EXPECT_TRUE(bottle.recipients.empty());
  EXPECT_TRUE(bottle.signatures.empty());
  EXPECT_EQ(bottle.message.size(), 12 + plaintext_.size() + 16);
}

TEST_F(ContentSeal, TwoSealsOfOneTextDiffer) {
  EXPECT_NE(cipher_.seal(ContentKind::data, kId, plaintext_).value(), sealed_);
}

TEST_F(ContentSeal, MoreThanAChunkIsRefused) {
  EXPECT_TRUE(cipher_.seal(ContentKind::data, kId, Bytes(kMaxContent)));
  EXPECT_EQ(cipher_.seal(ContentKind::data, kId, Bytes(kMaxContent + 1)).error(), Errc::too_large);
}

}  // namespace

}  // namespace spotfs
