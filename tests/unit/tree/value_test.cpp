#include "fs/tree/blobs/value.hpp"

#include <gtest/gtest.h>

#include "client/bottle/sealed.hpp"
#include "fs/tree/blobs/key.hpp"

namespace spotfs::tree {
namespace {

std::shared_ptr<const spot::Keychain> keychain(std::size_t count) {
  std::vector<spot::PrivateKey> keys;
  for (std::size_t i = 0; i < count; ++i) keys.push_back(spot::PrivateKey::generate(spot::KeyType::p256).value());
  return std::make_shared<const spot::Keychain>(spot::Keychain::of(std::move(keys)).value());
}

const Stamp kVersion = Stamp::of(1'000'000, 7, {1, 2, 3, 4});

TEST(ValueTest, ValueKeepsItsContentAndVersion) {
  const ValueSealer sealer{keychain(1), BlobId{1}};
  const Bytes content = spot::to_bytes("hello");
  const Value value = sealer.open("k", sealer.seal("k", kVersion, content).value()).value();
  EXPECT_EQ(*value.content, content);
  EXPECT_EQ(value.version, kVersion);
}

TEST(ValueTest, ReferenceTakesThePlaceOfTheContent) {
  const ValueSealer sealer{keychain(1), BlobId{1}};
  const Value large{std::make_shared<const Bytes>(), kVersion, Reference{100'000, 1, BlobId{7}}};
  const Value value = sealer.open("k", sealer.seal("k", large).value()).value();
  EXPECT_EQ(value.reference, large.reference);
  EXPECT_EQ(value.version, kVersion);
  EXPECT_EQ(value.size(), 100'000U);
  EXPECT_TRUE(value.content->empty());
}

class ReferenceTest : public testing::Test {
 protected:
  // A bottle of ours with this as `ref` (none: without) and this message.
  Bytes bottle(const std::optional<Reference>& reference, bool with = true, std::string_view message = "") const {
    cbor::Writer header;
    header.put_map(with ? 5 : 4);
    header.put_text("k").put_text("k");
    header.put_text("s").put_bytes(BlobId{1});
    header.put_text("v").put_bytes(kVersion.bytes);
    header.put_text("ct").put_text("spotfs/ref");
    if (with) encode(header.put_text("ref"), reference);
    const spot::PrivateKey& self = keys_->self();
    return spot::seal(spot::view(message), header.bytes(), {self.public_key()}, self).value();
  }
  std::error_code refusal(const Bytes& bottle) const { return sealer_.open("k", bottle).error(); }

  const std::shared_ptr<const spot::Keychain> keys_ = keychain(1);
  const ValueSealer sealer_{keys_, BlobId{1}};
  const Reference good_{100'000, 1, BlobId{7}};
};

TEST_F(ReferenceTest, IsAsADiskWritesIt) {
  EXPECT_TRUE(sealer_.open("k", bottle(good_)));
  EXPECT_EQ(refusal(bottle({}, false)), Errc::malformed);
  EXPECT_EQ(refusal(bottle({})), Errc::malformed);
  EXPECT_EQ(refusal(bottle(Reference::of_value(7))), Errc::malformed);
  EXPECT_EQ(refusal(bottle(Reference{100'000, 2, BlobId{7}})), Errc::malformed);
}

TEST_F(ReferenceTest, HasNoContentBesideIt) { EXPECT_EQ(refusal(bottle(good_, true, "x")), Errc::malformed); }

TEST(ValueTest, LimitIsElevenPages) {
  const ValueSealer sealer{keychain(1), BlobId{1}};
  EXPECT_EQ(sealer.limit(), 45'056U);
  EXPECT_LE(sealer.seal(std::string(960, 'k'), kVersion, Bytes(45'056)).value().size(), 48'900U);
  EXPECT_EQ(sealer.seal("k", kVersion, Bytes(45'057)).error(), Errc::file_too_large);
}

TEST(ValueTest, ManyKeysLeaveLessRoom) {
  const ValueSealer sealer{keychain(16), BlobId{1}};
  EXPECT_LT(sealer.limit(), 45'056U);
  const std::string longest(960, 'k');
  EXPECT_LE(sealer.seal(longest, kVersion, Bytes(sealer.limit())).value().size(), 48'900U);
  EXPECT_GT(sealer.seal(longest, kVersion, Bytes(sealer.limit())).value().size(), 48'800U);
}

TEST(ValueTest, ValueIsBoundToKeyAndStore) {
  const auto keys = keychain(1);
  const ValueSealer sealer{keys, BlobId{1}}, elsewhere{keys, BlobId{2}};
  const Bytes bottle = sealer.seal("k", kVersion, {}).value();
  EXPECT_EQ(sealer.open("l", bottle).error(), Errc::wrong_name);
  EXPECT_EQ(elsewhere.open("k", bottle).error(), Errc::wrong_name);
}

TEST(ValueTest, ValueOfAnotherIdentityIsRefused) {
  const ValueSealer sealer{keychain(1), BlobId{1}}, other{keychain(1), BlobId{1}};
  EXPECT_FALSE(sealer.open("k", other.seal("k", kVersion, {}).value()));
}

TEST(KeyTest, PathBelowIsTheKey) {
  EXPECT_EQ(key_of("", "a").value(), "a");
  EXPECT_EQ(key_of("notes/b", "a").value(), "notes/b/a");
  EXPECT_EQ(path_of("notes", "b").value(), "notes/b");
}

TEST(KeyTest, KeysOfTheDiskAreNotReached) {
  EXPECT_EQ(key_of(".spotfs", "id").error().value(), EPERM);
  EXPECT_EQ(path_of("", ".spotfs").error().value(), EPERM);
  EXPECT_TRUE(key_of("", ".spotfs"));
  EXPECT_TRUE(key_of("", ".spotfs2"));
}

TEST(KeyTest, KeysAreTextAndDoNotLookLikeJson) {
  EXPECT_EQ(key_of("", "{").error().value(), EILSEQ);
  EXPECT_EQ(key_of("{", "a").error().value(), EILSEQ);
  EXPECT_EQ(key_of("d", "\xc3").error().value(), EILSEQ);
  EXPECT_TRUE(key_of("d", "{"));
  EXPECT_TRUE(key_of("d", "\xc3\xa4"));
}

TEST(KeyTest, KeysHave960Bytes) {
  EXPECT_TRUE(key_of(std::string(900, 'd'), std::string(59, 'n')));
  EXPECT_EQ(key_of(std::string(900, 'd'), std::string(60, 'n')).error().value(), ENAMETOOLONG);
}

}  // namespace
}  // namespace spotfs::tree
