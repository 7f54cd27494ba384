// What every BlobStore must do. A test of a store derives a fixture that gives `store()` and `run()`, and instantiates
// the suite:
//
//   INSTANTIATE_TYPED_TEST_SUITE_P(Memory, BlobStoreSuite, MemoryFixture);
#pragma once

#include <gtest/gtest.h>

#include "fs/store/blob_store.hpp"

namespace spotfs {

template <class Fixture>
class BlobStoreSuite : public testing::Test, public Fixture {
 protected:
  Answer<Bytes> fetch(std::string key) { return this->run(this->store().fetch(std::move(key))); }
  Answer<void> put(std::string key, std::string_view value) {
    return this->run(this->store().store(std::move(key), spot::to_bytes(value)));
  }
  Answer<void> erase(std::string key) { return this->run(this->store().erase(std::move(key))); }
  static Bytes bytes(std::string_view text) { return spot::to_bytes(text); }
};

TYPED_TEST_SUITE_P(BlobStoreSuite);

TYPED_TEST_P(BlobStoreSuite, GivesBackWhatWasStored) {
  ASSERT_TRUE(this->put("a", "one"));
  EXPECT_EQ(this->fetch("a").value(), this->bytes("one"));
}

TYPED_TEST_P(BlobStoreSuite, SaysThatAMissingKeyIsMissing) {
  EXPECT_EQ(this->fetch("nobody stored this").error().code, Errc::not_found);
}

TYPED_TEST_P(BlobStoreSuite, TheLastStoreStands) {
  ASSERT_TRUE(this->put("a", "one"));
  ASSERT_TRUE(this->put("a", "two"));
  EXPECT_EQ(this->fetch("a").value(), this->bytes("two"));
}

TYPED_TEST_P(BlobStoreSuite, ErasesAKey) {
  ASSERT_TRUE(this->put("a", "one"));
  ASSERT_TRUE(this->erase("a"));
  EXPECT_EQ(this->fetch("a").error().code, Errc::not_found);
}

TYPED_TEST_P(BlobStoreSuite, ErasingAMissingKeyIsNoError) { EXPECT_TRUE(this->erase("nobody stored this")); }

TYPED_TEST_P(BlobStoreSuite, KeysAreBytesThatAreToldApart) {
  const std::string keys[] = {"a", "A", "a ", "a/b", "\xc3\xa4", std::string(900, 'k')};
  for (const std::string& key : keys) ASSERT_TRUE(this->put(key, "value of " + key));
  for (const std::string& key : keys) EXPECT_EQ(this->fetch(key).value(), this->bytes("value of " + key));
}

TYPED_TEST_P(BlobStoreSuite, TakesValuesOfEverySizeThatABottleHas) {
  for (const std::size_t size : {std::size_t{1}, std::size_t{4'096}, std::size_t{48'900}}) {
    const std::string value(size, 'v');
    ASSERT_TRUE(this->put("large", value)) << size;
    EXPECT_EQ(this->fetch("large").value(), this->bytes(value)) << size;
  }
}

TYPED_TEST_P(BlobStoreSuite, SyncAnswersOnceAllIsOnTheDisk) {
  ASSERT_TRUE(this->put("a", "one"));
  EXPECT_TRUE(this->run(this->store().sync()));
}

REGISTER_TYPED_TEST_SUITE_P(BlobStoreSuite, GivesBackWhatWasStored, SaysThatAMissingKeyIsMissing, TheLastStoreStands,
                            ErasesAKey, ErasingAMissingKeyIsNoError, KeysAreBytesThatAreToldApart,
                            TakesValuesOfEverySizeThatABottleHas, SyncAnswersOnceAllIsOnTheDisk);

}  // namespace spotfs
