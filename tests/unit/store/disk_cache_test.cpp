#include "fs/store/disk_cache.hpp"

#include <gmock/gmock.h>

#include "fs/content/fetch_opened.hpp"
#include "tests/conformance/blob_store_suite.hpp"
#include "tests/unit/store/disk_cache_fixture.hpp"

namespace spotfs {

namespace {

INSTANTIATE_TYPED_TEST_SUITE_P(DiskCached, BlobStoreSuite, DiskCacheFixture);

constexpr const char* kContent = ".spotfs/c/AAAAAAAAAAAAAAAAAAAAAA";
constexpr const char* kOtherContent = ".spotfs/c/AAAAAAAAAAAAAAAAAAAAAQ";

class DiskCacheTest : public testing::Test, public DiskCacheFixture {
 protected:
  DiskCacheTest() { go_online(); }
};

// --- Content ---------------------------------------------------------------------------------------------------------

TEST_F(DiskCacheTest, ContentThatWasFetchedIsNotAskedForAgain) {
  change(kContent, "chunk");
  ASSERT_TRUE(fetch(kContent));
  settle();
  asked();
  EXPECT_EQ(fetch(kContent).value(), bytes("chunk"));
  start();
  EXPECT_EQ(fetch(kContent).value(), bytes("chunk"));
  EXPECT_EQ(asked(), 0U);
}

TEST_F(DiskCacheTest, ContentIsKeptOnceTheStoreHasIt) {
  ASSERT_TRUE(put(kContent, "chunk"));
  set_fate(Fate::failed);
  ASSERT_FALSE(put(kOtherContent, "chunk"));
  set_fate(Fate::unanswered);
  ASSERT_FALSE(put(kOtherContent, "chunk"));
  settle();
  EXPECT_EQ(files().size(), 1U);
  go_offline();
  EXPECT_EQ(fetch(kContent).value(), bytes("chunk"));
}

TEST_F(DiskCacheTest, NobodyWaitsForContentToBeKept) {
  ASSERT_TRUE(put(kContent, "chunk"));
  EXPECT_EQ(fetch(kContent).value(), bytes("chunk"));
  EXPECT_TRUE(files().empty());
  settle();
  EXPECT_EQ(files().size(), 1U);
}

TEST_F(DiskCacheTest, WhatWaitsToBeKeptIsBounded) {
  const std::string chunk(48'000, 'c');
  for (int i = 0; i < 800; ++i) ASSERT_TRUE(put(kContent + std::to_string(i), chunk));
  settle();
  EXPECT_EQ(files().size(), DiskCache::kWaiting / chunk.size());
  ASSERT_TRUE(put(kOtherContent, chunk));  // there is room again
  settle();
  EXPECT_EQ(files().size(), DiskCache::kWaiting / chunk.size() + 1);
}

TEST_F(DiskCacheTest, ErasedContentIsGone) {
  ASSERT_TRUE(put(kContent, "chunk"));
  settle();
  ASSERT_TRUE(run(cache_->erase(kContent)));
  EXPECT_TRUE(files().empty());
  EXPECT_EQ(fetch(kContent).error().code, Errc::not_found);
}

// --- Bad copies ------------------------------------------------------------------------------------------------------

class BadCopies : public DiskCacheTest {
 protected:
  Answer<Bytes> open(const BlobId& id) {
    return run(fetch_opened(*cache_, cipher_, ContentKind::data, id, plaintext_.size()));
  }
  void set(const BlobId& id, Bytes bottle) { change(content_key(id), spot::as_text(bottle)); }

  const ContentCipher cipher_{BlobId{1}, spot::SecretBytes(32, 2)};
  const Bytes plaintext_ = bytes("what the chunk says");
  const BlobId id_{3};
  const Bytes good_ = cipher_.seal(ContentKind::data, id_, plaintext_).value();
  const Bytes foreign_ = cipher_.seal(ContentKind::data, BlobId{4}, plaintext_).value();
};

TEST_F(BadCopies, OneThatWasDamagedIsFetchedFromTheStore) {
  set(id_, good_);
  ASSERT_TRUE(open(id_));
  settle();
  std::string file = content(only_file());
  file.back() = static_cast<char>(file.back() ^ 1);
  overwrite(only_file(), file);
  asked();
  EXPECT_EQ(open(id_).value(), plaintext_);
  EXPECT_EQ(asked(), 1U);
  settle();
  EXPECT_EQ(open(id_).value(), plaintext_);
  EXPECT_EQ(asked(), 0U);
}

TEST_F(BadCopies, WhatTheStoreGaveWrongIsNotWrongForEver) {
  set(id_, foreign_);
  EXPECT_EQ(open(id_).error().code, Errc::bad_signature);
  settle();
  set(id_, good_);
  EXPECT_EQ(open(id_).value(), plaintext_);
}

TEST_F(BadCopies, AStoreThatIsAlwaysWrongIsAskedTwiceAtMost) {
  set(id_, foreign_);
  ASSERT_FALSE(open(id_));
  settle();
  asked();
  EXPECT_EQ(open(id_).error().code, Errc::bad_signature);
  EXPECT_LE(asked(), 2U);
}

TEST_F(BadCopies, WithoutAConnectionABadCopyIsNoCopy) {
  set(id_, good_);
  ASSERT_TRUE(open(id_));
  settle();
  overwrite(only_file(), "damaged");
  go_offline();
  EXPECT_EQ(open(id_).error().code, Errc::offline);
}

// --- Values ----------------------------------------------------------------------------------------------------------

TEST_F(DiskCacheTest, AValueIsAlwaysAskedFor) {
  ASSERT_TRUE(put("a", "one"));
  change("a", "two");
  EXPECT_EQ(fetch("a").value(), bytes("two"));
}

TEST_F(DiskCacheTest, WithoutAConnectionAValueIsWhatItWasLast) {
  ASSERT_TRUE(put("stored", "one"));
  change("fetched", "two");
  ASSERT_TRUE(fetch("fetched"));
  change("fetched", "three");
  ASSERT_TRUE(fetch("fetched"));
  start();
  go_offline();
  EXPECT_EQ(fetch("stored").value(), bytes("one"));
  EXPECT_EQ(fetch("fetched").value(), bytes("three"));
  EXPECT_EQ(fetch("never seen").error().code, Errc::offline);
}

TEST_F(DiskCacheTest, AValueThatWentIsNotShownAgain) {
  ASSERT_TRUE(put("erased", "one"));
  ASSERT_TRUE(put("erased elsewhere", "one"));
  ASSERT_TRUE(run(cache_->erase("erased")));
  memory_->set_blobs({});
  ASSERT_EQ(fetch("erased elsewhere").error().code, Errc::not_found);
  go_offline();
  EXPECT_EQ(fetch("erased").error().code, Errc::offline);
  EXPECT_EQ(fetch("erased elsewhere").error().code, Errc::offline);
}

// A store whose fetches fail as the test wants.
class Failing final : public BlobStore {
 public:
  asio::awaitable<Answer<Bytes>> fetch(std::string) override { co_return Failure{with}; }
  asio::awaitable<Answer<void>> store(std::string, Bytes) override { co_return Answer<void>{}; }
  asio::awaitable<Answer<void>> erase(std::string) override { co_return Answer<void>{}; }
  asio::awaitable<Answer<std::vector<Bytes>>> sync() override { co_return std::vector<Bytes>{}; }
  Errc with = Errc::offline;
};

TEST_F(DiskCacheTest, OnlyAnErrorOfTheConnectionIsAReasonToShowACopy) {
  const auto failing = std::make_shared<Failing>();
  DiskCache::Options settings;
  settings.store = failing;
  settings.directory = open();
  settings.online = [] { return true; };
  settings.background = background_.get_executor();
  cache_ = DiskCache::make(std::move(settings));
  ASSERT_TRUE(put("a", "one"));
  for (const Errc error : {Errc::offline, Errc::timed_out, Errc::connection_lost}) {
    failing->with = error;
    EXPECT_EQ(fetch("a").value(), bytes("one"));
  }
  for (const Errc error : {Errc::remote_error, Errc::rate_exceeded, Errc::cancelled, Errc::stopping, Errc::malformed}) {
    failing->with = error;
    EXPECT_EQ(fetch("a").error().code, error);
  }
}

TEST_F(DiskCacheTest, AStoreOfUnknownOutcomeLeavesNoCopy) {
  ASSERT_TRUE(put("a", "one"));
  set_fate(Fate::unanswered);
  ASSERT_FALSE(put("a", "two"));
  go_offline();
  EXPECT_EQ(fetch("a").error().code, Errc::offline);
}

TEST_F(DiskCacheTest, AStoreThatNeverWentOutLeavesTheCopy) {
  ASSERT_TRUE(put("a", "one"));
  go_offline();
  ASSERT_FALSE(put("a", "two"));
  EXPECT_EQ(fetch("a").value(), bytes("one"));
}

TEST_F(DiskCacheTest, AStoreThatIsInterruptedLeavesNoCopy) {
  ASSERT_TRUE(put("a", "one"));
  memory_->set_plan([](Verb, std::string) -> asio::awaitable<Fate> {
    throw boost::system::system_error{asio::error::operation_aborted};
    co_return Fate::done;
  });
  EXPECT_THROW(static_cast<void>(put("a", "two")), boost::system::system_error);
  go_offline();
  EXPECT_EQ(fetch("a").error().code, Errc::offline);
}

// --- Without a connection --------------------------------------------------------------------------------------------

TEST_F(DiskCacheTest, AConnectionIsWaitedForOnceAndNotEachTime) {
  ASSERT_TRUE(put("a", "one"));
  go_offline();
  EXPECT_EQ(fetch("a").value(), bytes("one"));
  EXPECT_EQ(asked(), 2U);  // the store and the first fetch
  EXPECT_EQ(fetch("a").value(), bytes("one"));
  EXPECT_EQ(fetch("b").error().code, Errc::offline);
  EXPECT_EQ(fetch(".spotfs/writers").error().code, Errc::offline);
  EXPECT_EQ(fetch(kContent).error().code, Errc::offline);
  EXPECT_EQ(asked(), 0U);
  EXPECT_EQ(put("a", "two").error().code, Errc::offline);
  EXPECT_EQ(asked(), 1U);
  go_online();
  change("a", "two");
  EXPECT_EQ(fetch("a").value(), bytes("two"));
  EXPECT_EQ(asked(), 1U);
}

TEST_F(DiskCacheTest, AConnectionThatIsGoneForAMomentIsWaitedFor) {
  ASSERT_TRUE(put("a", "one"));
  change("a", "two");
  online_ = false;  // and back, by the time that the store would give up
  EXPECT_EQ(fetch("a").value(), bytes("two"));
}

TEST_F(DiskCacheTest, WhereItIsToFailNothingIsShownWithoutAConnection) {
  ASSERT_TRUE(put(kContent, "chunk"));
  ASSERT_TRUE(put("a", "one"));
  start(Offline::fail);
  EXPECT_EQ(fetch(kContent).value(), bytes("chunk"));
  go_offline();
  EXPECT_EQ(fetch(kContent).error().code, Errc::offline);
  EXPECT_EQ(fetch("a").error().code, Errc::offline);
  EXPECT_EQ(fetch("a").error().code, Errc::offline);
}

// --- What is not kept ------------------------------------------------------------------------------------------------

TEST_F(DiskCacheTest, RecordsAreNotKept) {
  for (const char* const key : {".spotfs/id", ".spotfs/writers", ".spotfs/w/AAAAAAAAAAAAAAAAAAAAAA"}) {
    ASSERT_TRUE(put(key, "record"));
    ASSERT_TRUE(fetch(key));
  }
  settle();
  EXPECT_TRUE(files().empty());
}

TEST_F(DiskCacheTest, ADirectoryThatDoesNotWorkIsToldOnceAndChangesNothing) {
  std::filesystem::remove_all(directory());
  for (const char* const key : {"a", "b", kContent}) {
    ASSERT_TRUE(put(key, "one"));
    settle();
    EXPECT_EQ(fetch(key).value(), bytes("one"));
  }
  ASSERT_EQ(notices_.size(), 1U);
  EXPECT_THAT(notices_[0], testing::HasSubstr(directory().string()));
}

}  // namespace

}  // namespace spotfs
