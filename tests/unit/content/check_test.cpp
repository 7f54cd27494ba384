#include "fs/content/check.hpp"

#include "tests/unit/content/draft_fixture.hpp"

namespace spotfs {
namespace {

class CheckTest : public DraftTest {
 protected:
  Answer<Checked> check(const std::optional<Reference>& reference, ContentChecker::Restore restore = {}) {
    const auto checker = std::make_shared<ContentChecker>(context_.get_executor(), store_, cipher_, std::move(restore));
    return run(checker->check(reference.value()));
  }
  std::optional<Reference> stored(std::size_t size) {
    const auto made = draft();
    write(*made, 0, pattern(size));
    return save(*made).reference;
  }
  BlobId chunk(const std::optional<Reference>& reference, std::uint64_t number) {
    return run(ContentReader{content(), reference}.find(0, number)).value();
  }
  void take_away(const BlobId& id) {
    MemoryStore::Blobs blobs = store_->blobs();
    ASSERT_EQ(blobs.erase(content_key(id)), 1U);
    store_->set_blobs(std::move(blobs));
  }
  void change(const BlobId& id, const std::function<void(Bytes&)>& how) {
    MemoryStore::Blobs blobs = store_->blobs();
    how(blobs.at(content_key(id)));
    store_->set_blobs(std::move(blobs));
  }
};

TEST_F(CheckTest, AWholeContentHasAllItsChunks) {
  const auto reference = stored(10 * kChunkSize + 1);
  const Checked found = check(reference).value();
  EXPECT_TRUE(found.is_whole());
  EXPECT_EQ(found.chunks, 11U);
  EXPECT_EQ(found.lost, 0U);
}

TEST_F(CheckTest, AContentOfOneChunkIsReadToo) {
  const auto reference = stored(100);
  EXPECT_EQ(check(reference).value().chunks, 1U);
  take_away(*reference->id);
  const Checked found = check(reference).value();
  ASSERT_EQ(found.faults.size(), 1U);
  EXPECT_TRUE(found.faults[0].is_missing);
  EXPECT_EQ(found.chunks, 0U);
}

TEST_F(CheckTest, AMissingAndADamagedChunkAreToldByTheirPlace) {
  const auto reference = stored(20 * kChunkSize);
  take_away(chunk(reference, 3));
  take_away(chunk(reference, 4));
  change(chunk(reference, 9), [](Bytes& bottle) { bottle.back() ^= 1; });
  const Checked found = check(reference).value();
  ASSERT_EQ(found.faults.size(), 2U);
  EXPECT_EQ(found.faults[0].first, 3U);
  EXPECT_EQ(found.faults[0].count, 2U);
  EXPECT_TRUE(found.faults[0].is_missing);
  EXPECT_EQ(found.faults[1].first, 9U);
  EXPECT_EQ(found.faults[1].count, 1U);
  EXPECT_FALSE(found.faults[1].is_missing);
  EXPECT_EQ(found.faults[1].blob, chunk(reference, 9));
  EXPECT_EQ(found.chunks, 17U);
  EXPECT_EQ(found.lost, 3U);
}

TEST_F(CheckTest, AChunkOfAnotherContentInItsPlaceIsDamaged) {
  const auto reference = stored(4 * kChunkSize);
  const Bytes other = store_->blobs().at(content_key(chunk(reference, 0)));
  change(chunk(reference, 2), [&](Bytes& bottle) { bottle = other; });
  const Checked found = check(reference).value();
  ASSERT_EQ(found.faults.size(), 1U);
  EXPECT_EQ(found.faults[0].first, 2U);
  EXPECT_FALSE(found.faults[0].is_missing);
}

TEST_F(CheckTest, ALostIndexTakesAllThatIsBelowIt) {
  const auto reference = stored(5 * kChunkSize - 1);
  ASSERT_EQ(reference->level, 1);
  take_away(*reference->id);
  const Checked found = check(reference).value();
  ASSERT_EQ(found.faults.size(), 1U);
  EXPECT_EQ(found.faults[0].count, 5U);
  EXPECT_EQ(found.faults[0].level, 1);
  EXPECT_EQ(found.lost, 5U);
}

TEST_F(CheckTest, HolesOfSeveralLevelsAreWhole) {
  const auto made = draft();
  write(*made, kIndexFanOut * kChunkSize + 5, pattern(10));
  const auto reference = save(*made).reference;
  ASSERT_EQ(reference->level, 2);
  const Checked found = check(reference).value();
  EXPECT_TRUE(found.is_whole());
  EXPECT_EQ(found.chunks, 1U);
}

TEST_F(CheckTest, NothingIsTakenForLostWhenTheStoreCannotBeAsked) {
  const auto reference = stored(10 * kChunkSize);
  store_->set_plan([](Verb verb, const std::string&) -> asio::awaitable<Fate> {
    co_return verb == Verb::fetch ? Fate::failed : Fate::done;
  });
  const Answer<Checked> found = check(reference);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Errc::offline);
}

TEST_F(CheckTest, ReadsPastWhatIsInMemoryAndAFewAtATime) {
  const auto reference = stored(100 * kChunkSize);
  std::size_t reads = 0, at_once = 0, most = 0;
  store_->set_plan([&](Verb, const std::string&) -> asio::awaitable<Fate> {
    ++reads;
    most = std::max(most, ++at_once);
    co_await asio::post(context_, asio::use_awaitable);
    --at_once;
    co_return Fate::done;
  });
  EXPECT_EQ(check(reference).value().chunks, 100U);
  EXPECT_EQ(reads, 101U);
  EXPECT_GT(most, 1U);
  EXPECT_LE(most, kReadsAtOnce);
}

TEST_F(CheckTest, WhatACacheHasIsStoredAgain) {
  const auto reference = stored(4 * kChunkSize);
  const BlobId lost = chunk(reference, 1);
  const Bytes cached = store_->blobs().at(content_key(lost));
  take_away(lost);
  std::vector<std::string> asked;
  const auto restore = [&](std::string key) -> asio::awaitable<bool> {
    asked.push_back(key);
    Bytes bottle = cached;
    const Answer<void> done = co_await store_->store(key, std::move(bottle));
    co_return done.has_value();
  };
  const Checked found = check(reference, restore).value();
  EXPECT_TRUE(found.is_whole());
  EXPECT_EQ(found.restored, 1U);
  EXPECT_EQ(asked, std::vector<std::string>{content_key(lost)});
  EXPECT_TRUE(store_->blobs().contains(content_key(lost)));
}

}  // namespace
}  // namespace spotfs
