#include "fs/store/pending_store.hpp"

#include <algorithm>

#include <gmock/gmock.h>

#include "tests/unit/store/pending_fixture.hpp"

namespace spotfs {

namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using namespace std::chrono_literals;

class Pending : public PendingFixture, public testing::Test {};

TEST_F(Pending, AStoreIsDoneAndReadBackWhileTheServerIsAway) {
  go_offline();
  ASSERT_TRUE(put(content(1), "one"));
  ASSERT_TRUE(put("key", "value"));
  EXPECT_EQ(fetch(content(1)).value(), bytes("one"));
  EXPECT_EQ(fetch("key").value(), bytes("value"));
  EXPECT_EQ(pending_->status().count, 2U);
  EXPECT_EQ(pending_->status().bytes, 8U);
  EXPECT_EQ(memory_->blobs().size(), 0U);
}

TEST_F(Pending, ItIsUploadedAndLeavesTheQueueOnceItIsOnTheServersDisk) {
  ASSERT_TRUE(put(content(1), "one"));
  drain();
  EXPECT_THAT(asked_, ElementsAre("store " + content(1), "sync"));
  EXPECT_EQ(memory_->blobs().at(content(1)), bytes("one"));
  EXPECT_EQ(pending_->status().bytes, 0U);
  EXPECT_EQ(fetch(content(1)).value(), bytes("one"));
}

TEST_F(Pending, WhatTheServerHasLostBeforeItWasOnItsDiskIsUploadedAgain) {
  server_->fails_to_sync = make_error_code(std::errc::io_error);
  ASSERT_TRUE(put(content(1), "one"));
  run_until([this] { return !server_->fails_to_sync; });
  memory_->set_blobs({});
  pass(1s);
  drain();
  EXPECT_EQ(memory_->blobs().at(content(1)), bytes("one"));
}

TEST_F(Pending, WhereTheSyncMeetsNobodyNothingIsUploadedTwice) {
  server_->fails_to_sync = make_error_code(Errc::connection_lost);
  ASSERT_TRUE(put("key", "value"));
  run_until([this] { return !server_->fails_to_sync; });
  asked_.clear();
  pass(1s);
  drain();
  EXPECT_THAT(asked_, ElementsAre("sync"));
}

TEST_F(Pending, UploadsGoInTheOrderOfTheStoresAndAValueAfterTheContentsBeforeIt) {
  go_offline();
  ASSERT_TRUE(put(content(1), "1"));
  ASSERT_TRUE(put("key", "names both"));
  ASSERT_TRUE(put(content(2), "2"));
  hold_back();
  asked_.clear();
  pending_->retry();
  pass(0s);
  // While it is not known whether the server is there, one tries.
  EXPECT_THAT(asked_, ElementsAre("store " + content(1)));
  gate_->set();
  drain();
  EXPECT_THAT(asked_, ElementsAre("store " + content(1), "store key", "store " + content(2), "sync"));
}

TEST_F(Pending, SomeAreUnderWayAtOnceButNoValueBesideAnEarlierContent) {
  hold_back();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(put(content(i), "x"));
  ASSERT_TRUE(put("key", "x"));
  pass(0s);
  EXPECT_EQ(asked_.size(), PendingStore::kAtOnce);
  EXPECT_THAT(asked_, Not(Contains("store key")));
  gate_->set();
  drain();
  EXPECT_EQ(asked_[20], "store key");
}

TEST_F(Pending, UploadedReturnsWhenAllThatCameBeforeIsInTheStore) {
  hold_back();
  ASSERT_TRUE(put(content(1), "one"));
  auto uploaded = begin(pending_->uploaded());
  pass(0s);
  EXPECT_FALSE(is_ready(uploaded));
  const auto first = gate_;
  hold_back();
  ASSERT_TRUE(put(content(2), "later"));
  first->set();
  run_until([&] { return is_ready(uploaded); });
  EXPECT_TRUE(uploaded.get());
  EXPECT_EQ(memory_->blobs().size(), 1U);
  gate_->set();
}

TEST_F(Pending, UploadedTriesAtOnceAndFailsWhereTheServerIsAway) {
  go_offline();
  ASSERT_TRUE(put(content(1), "one"));
  EXPECT_EQ(run(pending_->uploaded()).error().code, Errc::offline);
  asked_.clear();
  EXPECT_EQ(run(pending_->uploaded()).error().code, Errc::offline);
  EXPECT_EQ(asked_.size(), 1U);
  answer_all();
  EXPECT_TRUE(run(pending_->uploaded()));
}

TEST_F(Pending, ARecordPassesAtOnceAndFailsWhereTheServerIsAway) {
  go_offline();
  EXPECT_EQ(put(".spotfs/w/writer", "head").error().code, Errc::offline);
  EXPECT_EQ(pending_->status().count, 0U);
}

TEST_F(Pending, NothingIsLostByAKill) {
  go_offline();
  ASSERT_TRUE(put(content(1), "one"));
  ASSERT_TRUE(put("key", "older"));
  ASSERT_TRUE(put("key", "value"));
  start();
  EXPECT_EQ(fetch(content(1)).value(), bytes("one"));
  EXPECT_EQ(fetch("key").value(), bytes("value"));
  answer_all();
  ASSERT_TRUE(run(pending_->sync()));
  EXPECT_EQ(memory_->blobs(), (MemoryStore::Blobs{{content(1), bytes("one")}, {"key", bytes("value")}}));
  drain();
  start();
  EXPECT_EQ(pending_->status().count, 0U);
}

TEST_F(Pending, AMountThatKeepsNothingUploadsAndReadsWhatOneBeforeLeft) {
  go_offline();
  ASSERT_TRUE(put(content(1), "one"));
  ASSERT_TRUE(put("key", "value"));
  start(false);
  EXPECT_EQ(fetch(content(1)).value(), bytes("one"));
  EXPECT_EQ(put(content(2), "two").error().code, Errc::offline);
  EXPECT_EQ(put("key", "newer").error().code, Errc::offline);
  EXPECT_EQ(fetch("key").value(), bytes("newer"));
  answer_all();
  ASSERT_TRUE(put(content(2), "two"));
  ASSERT_TRUE(put("key", "newest"));
  drain();
  EXPECT_EQ(memory_->blobs().at("key"), bytes("newest"));
  EXPECT_EQ(memory_->blobs().size(), 3U);
  start(false);
  asked_.clear();
  ASSERT_TRUE(put("key", "at once"));
  EXPECT_THAT(asked_, ElementsAre("store key"));
}

TEST_F(Pending, WhileTheServerIsAwayItIsTriedLessAndLessOften) {
  go_offline();
  ASSERT_TRUE(put(content(1), "one"));
  run_until([this] { return pending_->status().next_try.has_value(); });
  asked_.clear();
  for (const auto pause : {1s, 2s, 4s, 8s, 16s, 30s, 30s}) {
    pass(pause - 1ms);
    EXPECT_THAT(asked_, IsEmpty());
    pass(1ms);
    EXPECT_EQ(asked_.size(), 1U);
    asked_.clear();
  }
  EXPECT_THAT(pending_->status().last_error, HasSubstr("no connection"));
  answer_all();
  pass(30s);
  drain();
  EXPECT_EQ(pending_->status().last_error, "");
}

TEST_F(Pending, AConnectionThatComesBackIsUsedAtOnce) {
  go_offline();
  ASSERT_TRUE(put(content(1), "one"));
  run_until([this] { return pending_->status().next_try.has_value(); });
  answer_all();
  pending_->retry();
  drain();
  EXPECT_TRUE(memory_->blobs().contains(content(1)));
}

TEST_F(Pending, OfTwoValuesOfAKeyTheNewerOneIsUploaded) {
  go_offline();
  ASSERT_TRUE(put("key", "first"));
  ASSERT_TRUE(put("key", "second"));
  EXPECT_EQ(pending_->status().count, 1U);
  asked_.clear();
  answer_all();
  ASSERT_TRUE(run(pending_->sync()));
  EXPECT_EQ(std::ranges::count(asked_, "store key"), 1);
  EXPECT_EQ(memory_->blobs().at("key"), bytes("second"));
}

TEST_F(Pending, ANewerValueWaitsForTheOneThatIsUnderWay) {
  hold_back();
  ASSERT_TRUE(put("key", "first"));
  pass(0s);
  ASSERT_EQ(asked_.size(), 1U);
  ASSERT_TRUE(put("key", "second"));
  pass(0s);
  EXPECT_EQ(asked_.size(), 1U);
  gate_->set();
  drain();
  EXPECT_EQ(memory_->blobs().at("key"), bytes("second"));
}

TEST_F(Pending, AContentThatWasNeverSentIsForgottenWithoutAskingAnyone) {
  go_offline();
  ASSERT_TRUE(put(content(1), "one"));
  run_until([this] { return pending_->status().next_try.has_value(); });
  ASSERT_TRUE(put(content(2), "two"));
  asked_.clear();
  EXPECT_TRUE(run(pending_->erase(content(2))));
  EXPECT_THAT(asked_, IsEmpty());
  EXPECT_EQ(pending_->status().count, 1U);
}

TEST_F(Pending, AContentThatMayBeThereIsErasedThereAfterItsUpload) {
  hold_back();
  ASSERT_TRUE(put(content(1), "one"));
  pass(0s);
  auto erased = begin(pending_->erase(content(1)));
  pass(0s);
  EXPECT_FALSE(is_ready(erased));
  gate_->set();
  run_until([&] { return is_ready(erased); });
  EXPECT_TRUE(erased.get());
  EXPECT_EQ(memory_->blobs().size(), 0U);
  EXPECT_EQ(pending_->status().count, 0U);
}

TEST_F(Pending, AValueThatIsErasedIsGoneAtOnceAndAtTheServerLater) {
  ASSERT_TRUE(put("key", "value"));
  drain();
  go_offline();
  ASSERT_TRUE(run(pending_->erase("key")));
  EXPECT_EQ(fetch("key").error().code, Errc::not_found);
  start();
  EXPECT_EQ(fetch("key").error().code, Errc::not_found);
  EXPECT_TRUE(pending_->list().values.at(0).erases);
  answer_all();
  ASSERT_TRUE(run(pending_->sync()));
  EXPECT_EQ(memory_->blobs().size(), 0U);
}

TEST_F(Pending, BeyondTheLimitAStoreWaitsForRoom) {
  start(true, 10);
  hold_back();
  ASSERT_TRUE(put(content(1), "12345678"));
  auto second = begin(pending_->store(content(2), bytes("12345678")));
  pass(0s);
  pass(29s);
  EXPECT_FALSE(is_ready(second));
  gate_->set();
  run_until([&] { return is_ready(second); });
  EXPECT_TRUE(second.get());
  drain();
  EXPECT_EQ(memory_->blobs().size(), 2U);
}

TEST_F(Pending, WhereNoRoomIsMadeItFailsAfterTheDeadline) {
  start(true, 10);
  go_offline();
  ASSERT_TRUE(put(content(1), "12345678"));
  auto second = begin(pending_->store(content(2), bytes("12345678")));
  pass(0s);
  pass(29s);
  EXPECT_FALSE(is_ready(second));
  pass(1s);
  run_until([&] { return is_ready(second); });
  EXPECT_EQ(second.get().error().code, std::errc::no_space_on_device);
  EXPECT_EQ(pending_->status().bytes, 8U);
}

TEST_F(Pending, ABlobThatTheServerRefusesHoldsUpNoOtherAndStays) {
  server_->refuses["odd"] = Errc::too_large;
  ASSERT_TRUE(put("odd", "value"));
  ASSERT_TRUE(put(content(1), "one"));
  ASSERT_TRUE(put("even", "value"));
  EXPECT_TRUE(run(pending_->uploaded()));
  EXPECT_EQ(run(pending_->sync()).error().code, Errc::too_large);
  run_until([this] { return pending_->status().count == 1; });
  EXPECT_EQ(memory_->blobs().size(), 2U);
  EXPECT_THAT(notices_, ElementsAre(HasSubstr("odd waits for its upload: too large")));
  EXPECT_THAT(pending_->list().values.at(0).error, HasSubstr("too large"));
  EXPECT_THAT(pending_->status().last_error, HasSubstr("too large"));
  start();
  EXPECT_EQ(fetch("odd").value(), bytes("value"));
  server_->refuses.clear();
  pass(30s);
  drain();
  EXPECT_EQ(memory_->blobs().at("odd"), bytes("value"));
}

TEST_F(Pending, AContentThatIsRefusedIsAnErrorForWhoeverWouldNameIt) {
  server_->refuses[content(1)] = Errc::remote_error;
  ASSERT_TRUE(put(content(1), "one"));
  EXPECT_EQ(run(pending_->uploaded()).error().code, Errc::remote_error);
  server_->refuses.clear();
  EXPECT_TRUE(run(pending_->uploaded()));
}

TEST_F(Pending, WithoutQuotaAllWaitAndOneTries) {
  for (const int number : {1, 2, 3}) server_->refuses[content(number)] = Errc::quota_exceeded;
  for (const int number : {1, 2, 3}) ASSERT_TRUE(put(content(number), "x"));
  run_until([this] { return pending_->status().next_try.has_value(); });
  EXPECT_THAT(notices_, ElementsAre(HasSubstr("quota")));
  EXPECT_EQ(run(pending_->uploaded()).error().code, Errc::quota_exceeded);
  server_->refuses.clear();
  pass(30s);
  drain();
  EXPECT_EQ(memory_->blobs().size(), 3U);
}

TEST_F(Pending, WhoeverWaitsIsToldWhenItEnds) {
  hold_back();
  ASSERT_TRUE(put(content(1), "one"));
  auto uploaded = begin(pending_->uploaded());
  pass(0s);
  pending_->end();
  run_until([&] { return is_ready(uploaded); });
  EXPECT_EQ(uploaded.get().error().code, Errc::stopping);
  EXPECT_EQ(put(content(2), "two").error().code, Errc::stopping);
  gate_->set();
}

TEST_F(Pending, AnotherStoreIsSeenWithWhatIsPendingAndStoresAtOnce) {
  go_offline();
  ASSERT_TRUE(put(content(1), "one"));
  const std::shared_ptr<BlobStore> over = pending_->over(server_);
  EXPECT_EQ(run(over->fetch(content(1))).value(), bytes("one"));
  EXPECT_EQ(run(over->store(content(2), bytes("two"))).error().code, Errc::offline);
  answer_all();
  EXPECT_TRUE(run(over->store(content(2), bytes("two"))));
  EXPECT_EQ(run(over->fetch(content(2))).value(), bytes("two"));
}

TEST_F(Pending, ItsFilesAreTheUsersAlone) {
  go_offline();
  ASSERT_TRUE(put(content(1), "one"));
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator{state()}) {
    EXPECT_EQ(mode_of(entry.path()), 0600U) << entry.path();
    ++files;
  }
  EXPECT_EQ(files, 3U);
}

TEST_F(Pending, TheDiskIsGivenBackWhenAllIsUploaded) {
  start(true, 1 << 26);
  go_offline();
  const std::string large(40'000, 'x');
  std::vector<std::future<Answer<void>>> stores;
  for (int i = 0; i < 600; ++i) stores.push_back(begin(pending_->store(content(i), bytes(large))));
  run_until([&] { return std::ranges::all_of(stores, [](const auto& one) { return is_ready(one); }); });
  answer_all();
  ASSERT_TRUE(run(pending_->sync()));
  drain();
  pending_->close();
  std::uintmax_t size = 0;
  for (const auto& entry : std::filesystem::directory_iterator{state()}) size += entry.file_size();
  EXPECT_LT(size, 1'000'000U);
  EXPECT_EQ(memory_->blobs().size(), 600U);
}

}  // namespace

}  // namespace spotfs
