#include "fs/index/record.hpp"

#include <gtest/gtest.h>

#include "client/bottle/sealed.hpp"
#include "client/crypto/hash.hpp"
#include "fs/index/keys.hpp"

namespace spotfs {

namespace {

std::shared_ptr<const spot::Keychain> new_keys() {
  std::vector<spot::PrivateKey> keys{spot::PrivateKey::generate(spot::KeyType::p256).value()};
  return std::make_shared<const spot::Keychain>(spot::Keychain::of(std::move(keys)).value());
}

class Record : public testing::Test {
 protected:
  static StoreSecret store_of(std::uint8_t fill) {
    StoreSecret out;
    out.id = BlobId{fill};
    out.secret.assign(32, fill);
    return out;
  }
  Result<Bytes> open(RecordKind kind, const std::string& key, const Bytes& sealed) const {
    return sealer_.open(kind, key, store_, sealed);
  }

  const std::shared_ptr<const spot::Keychain> keys_ = new_keys();
  const RecordSealer sealer_{keys_};
  const StoreSecret store_ = store_of(1);
  const std::string key_ = head_key(WriterId{5});
  const Bytes payload_ = spot::to_bytes("payload");
  const Bytes sealed_ = sealer_.seal(RecordKind::head, key_, store_, payload_).value();
};

TEST_F(Record, OpensWhatItSealed) { EXPECT_EQ(open(RecordKind::head, key_, sealed_).value(), payload_); }

TEST_F(Record, IsBoundToItsKindKeyAndStore) {
  EXPECT_EQ(open(RecordKind::writers, key_, sealed_).error(), Errc::wrong_name);
  EXPECT_EQ(open(RecordKind::head, head_key(WriterId{6}), sealed_).error(), Errc::wrong_name);
  EXPECT_EQ(sealer_.open(RecordKind::head, key_, store_of(2), sealed_).error(), Errc::wrong_name);
}

TEST_F(Record, OfAnotherSecretIsRefused) {
  StoreSecret other = store_of(1);
  other.secret.assign(32, 9);
  EXPECT_EQ(sealer_.open(RecordKind::head, key_, other, sealed_).error(), Errc::wrong_name);
}

TEST_F(Record, OfAStoreTellsItsSecret) {
  const Bytes sealed = sealer_.seal(RecordKind::store, kStoreKey, store_, payload_).value();
  const auto opened = sealer_.open_store(kStoreKey, sealed);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->store.id, store_.id);
  EXPECT_EQ(opened->store.secret, store_.secret);
  EXPECT_EQ(opened->payload, payload_);
}

TEST_F(Record, OfTheWritersCarriesNoSecret) {
  const Bytes sealed = sealer_.seal(RecordKind::writers, kWritersKey, store_, payload_).value();
  std::vector<spot::PublicKey> signers{keys_->self().public_key()};
  const spot::Sealed opened = spot::open_sealed(sealed, *keys_, signers).value();
  EXPECT_FALSE(opened.header.contains("sec"));
  EXPECT_EQ(open(RecordKind::writers, kWritersKey, sealed).value(), payload_);
}

TEST_F(Record, OfAnotherIdentityIsRefused) {
  const RecordSealer other{new_keys()};
  EXPECT_FALSE(other.open(RecordKind::head, key_, store_, sealed_));
}

TEST_F(Record, AnyChangedByteIsRefused) {
  for (std::size_t i = 0; i < sealed_.size(); ++i) {
    Bytes changed = sealed_;
    changed[i] ^= 1;
    const Result<Bytes> opened = open(RecordKind::head, key_, changed);
    EXPECT_FALSE(opened) << i;
  }
}

TEST_F(Record, ThatWouldNotFitIntoABlobIsNotSealed) {
  EXPECT_EQ(sealer_.seal(RecordKind::head, key_, store_, Bytes(kMaxRecord)).error(), Errc::too_large);
}

}  // namespace

}  // namespace spotfs
