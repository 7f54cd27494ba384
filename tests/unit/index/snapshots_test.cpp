// When mounts make snapshots, take those of others, and shorten their logs.
#include <gmock/gmock.h>

#include "fs/index/keys.hpp"
#include "tests/unit/index/snapshots_fixture.hpp"

namespace spotfs {
namespace {

using testing::ElementsAre;
using namespace std::chrono_literals;

TEST_F(Snapshots, AreMadeOfManyOperationsOnceTheseAreSettled) {
  auto one = alone();
  make_files(*one, "a");
  pass(*one, 1s);
  EXPECT_EQ(generation(*one), 0u);
  pass(*one, 61s);
  EXPECT_EQ(generation(*one), 1u);
  EXPECT_EQ(one->index().status().operations, 0u);
}

TEST_F(Snapshots, OfFewOperationsAreMadeAfterADay) {
  auto one = alone();
  one->make("a");
  pass(*one, 2h);
  EXPECT_EQ(generation(*one), 0u);
  pass(*one, 23h);
  EXPECT_EQ(generation(*one), 1u);
}

TEST_F(Snapshots, AreWhatAFreshMountReads) {
  auto one = alone();
  make_files(*one, "a");
  const MemoryStore::Blobs before = store_->blobs();
  commit(*one);
  MemoryStore::Blobs pieces;  // of log
  for (const auto& blob : store_->blobs()) {
    if (!before.contains(blob.first) && blob.first.starts_with(".spotfs/c/")) pieces.insert(blob);
  }
  settle(*one);
  one->make("later");
  const std::vector<std::string> names = one->names();
  ASSERT_TRUE(one->run(one->index().close()));
  ASSERT_FALSE(pieces.empty());
  MemoryStore::Blobs without = store_->blobs();
  for (const auto& [key, value] : pieces) without.erase(key);
  store_->set_blobs(without);
  auto two = alone("two");
  EXPECT_EQ(two->names(), names);
  EXPECT_EQ(two->index().status().operations, 1u);
  EXPECT_EQ(generation(*two), 1u);
}

TEST_F(Snapshots, AreTakenByTheOtherMounts) {
  auto one = alone();
  ASSERT_TRUE(one->run(one->index().close()));
  one = shared("one");
  auto two = shared("two");
  make_files(*two, "b", 3);
  commit(*two);
  make_files(*one, "a");
  settle(*one);
  EXPECT_EQ(generation(*one), 1u);
  ASSERT_TRUE(two->run(two->index().refresh()));
  EXPECT_EQ(generation(*two), 1u);
  EXPECT_EQ(two->index().status().operations, 0u);
  EXPECT_EQ(two->names(), one->names());
  // And the next one is made from it.
  make_files(*two, "c");
  settle(*two);
  EXPECT_EQ(generation(*two), 2u);
  ASSERT_TRUE(one->run(one->index().refresh()));
  EXPECT_EQ(one->names(), two->names());
}

TEST_F(Snapshots, LoseNothingThatComesLateFromASlowClock) {
  auto one = alone();
  ASSERT_TRUE(one->run(one->index().close()));
  one = shared("one");
  auto two = late("two");
  two->make("late");
  make_files(*one, "a");
  settle(*one);
  ASSERT_EQ(generation(*one), 1u);
  commit(*two);
  ASSERT_TRUE(two->run(two->index().refresh()));
  ASSERT_TRUE(one->run(one->index().refresh()));
  EXPECT_THAT(one->names(), testing::Contains("late"));
  EXPECT_EQ(one->names(), two->names());
  auto fresh = shared("three");
  EXPECT_EQ(fresh->names(), one->names());
}

TEST_F(Snapshots, WhoTakesOneComesAfterAllThatItHasHeardWithIt) {
  auto one = alone();
  ASSERT_TRUE(one->run(one->index().close()));
  one = shared("one");
  auto two = late("two");
  make_files(*one, "a");
  settle(*one);
  ASSERT_EQ(generation(*one), 1u);
  const Stamp before = one->index().draw();
  one->make("not settled");
  commit(*one);
  ASSERT_TRUE(two->run(two->index().refresh()));
  ASSERT_EQ(generation(*two), 1u);
  EXPECT_GE(two->index().draw().milliseconds(), before.milliseconds());
}

TEST_F(Snapshots, ShortenTheLogADayAfterTheSecond) {
  auto one = alone();
  const auto head = [&] { return store_->blobs().at(head_key(one->index().status().writer)).size(); };
  for (int piece = 0; piece < 12; ++piece) {
    make_files(*one, "a" + std::to_string(piece) + ".");
    commit(*one);
  }
  settle(*one);
  ASSERT_EQ(generation(*one), 1u);
  const std::size_t with_log = head();
  pass(*one, 25h);  // nothing was done, but its base includes nothing yet
  EXPECT_EQ(generation(*one), 2u);
  pass(*one, 25h);
  EXPECT_EQ(generation(*one), 2u);
  EXPECT_LT(head(), with_log);
  const std::vector<std::string> names = one->names();
  ASSERT_TRUE(one->run(one->index().close()));
  one = alone();
  EXPECT_EQ(one->names(), names);
  auto two = alone("two");
  EXPECT_EQ(two->names(), names);
  EXPECT_EQ(two->index().status().operations, 0u);
}

TEST_F(Snapshots, OfAStateThatHardlyChangesStoreHardlyAnything) {
  auto one = alone();
  make_files(*one, "some longer name of a file ", 2'000);
  settle(*one);
  ASSERT_EQ(generation(*one), 1u);
  const std::size_t before = content_blobs();
  one->make("b");
  pass(*one, 25h);
  ASSERT_EQ(generation(*one), 2u);
  EXPECT_LE(content_blobs() - before, 7u);  // the log, its names, its inodes, runs, and what is above them
}

TEST_F(Snapshots, ThatCannotBeReadAreReplacedByTheirBaseAndTheLogs) {
  auto one = alone();
  make_files(*one, "a");
  settle(*one);
  ASSERT_EQ(generation(*one), 1u);
  const MemoryStore::Blobs before = store_->blobs();
  make_files(*one, "b");
  commit(*one);
  const MemoryStore::Blobs with_log = store_->blobs();
  settle(*one);
  ASSERT_EQ(generation(*one), 2u);
  const std::vector<std::string> names = one->names();
  ASSERT_TRUE(one->run(one->index().close()));
  MemoryStore::Blobs without = store_->blobs();
  for (const auto& [key, value] : store_->blobs()) {
    if (key.starts_with(".spotfs/c/") && !with_log.contains(key)) without.erase(key);
  }
  store_->set_blobs(without);
  auto two = alone("two");
  EXPECT_TRUE(was_told("the one before it is taken"));
  EXPECT_EQ(two->names(), names);
}

TEST_F(Snapshots, AKillBeforeTheHeadIsStoredLosesNothing) {
  auto one = alone();
  make_files(*one, "a");
  commit(*one);
  const std::vector<std::string> names = one->names();
  // Nodes can be stored, heads no more.
  store_->set_plan([](MemoryStore::Verb verb, std::string key) -> asio::awaitable<MemoryStore::Fate> {
    co_return verb == MemoryStore::Verb::store&& key.starts_with(".spotfs/w/") ? MemoryStore::Fate::failed
                                                                               : MemoryStore::Fate::done;
  });
  clock_.now += 61s;
  static_cast<void>(one->run(one->index().commit()));
  for (int i = 0; i < 2'000; ++i) one->context().poll();
  EXPECT_EQ(generation(*one), 1u);
  one.reset();
  store_->set_plan({});
  auto two = alone("two");
  EXPECT_EQ(two->names(), names);
  one = alone();
  EXPECT_EQ(one->names(), names);
  EXPECT_EQ(generation(*one), 1u);
}

TEST_F(Snapshots, LeaveNothingBehindInAStoreOfOurOwn) {
  auto one = alone();
  for (int round = 0; round < 12; ++round) {
    make_files(*one, "a", 2);
    commit(*one);
    for (int i = 0; i < 2; ++i) ASSERT_TRUE(one->run(one->index().unlink(kRoot, "a" + std::to_string(i))));
    pass(*one, 25h);
  }
  EXPECT_GT(generation(*one), 10u);
  // The newest snapshot, its base, and the last pieces of the log.
  EXPECT_LE(content_blobs(), 6u);
  EXPECT_LE(one->index().status().operations, 4u);
}

// --- What the store hides --------------------------------------------------------------------------------------------

TEST_F(Snapshots, AHeadThatAnotherHasSeenAndThisMountIsNotShownIsTold) {
  auto one = alone();
  ASSERT_TRUE(one->run(one->index().close()));
  auto two = shared("two");
  two->make("a");
  commit(*two);
  const MemoryStore::Blobs before = store_->blobs();
  two->make("b");
  commit(*two);
  one = shared("one");
  one->make("c");
  commit(*one);  // its head says what it has seen
  MemoryStore::Blobs hiding = store_->blobs();
  const std::string key = head_key(two->index().status().writer);
  hiding[key] = before.at(key);
  store_->set_blobs(hiding);
  auto three = shared("three");
  EXPECT_TRUE(was_told("hides a head"));
  const IndexStatus status = three->index().status();
  EXPECT_TRUE(std::ranges::any_of(status.others, [](const WriterStatus& writer) { return writer.rolled_back; }));
}

TEST_F(Snapshots, AWriterThatAnotherHasSeenAndTheListLacksIsTold) {
  auto one = alone();
  ASSERT_TRUE(one->run(one->index().close()));
  const Bytes writers = store_->blobs().at(kWritersKey);
  auto two = shared("two");
  two->make("a");
  commit(*two);
  auto three = shared("one");
  three->make("c");
  commit(*three);
  MemoryStore::Blobs hiding = store_->blobs();
  hiding[kWritersKey] = writers;
  store_->set_blobs(hiding);
  auto four = shared("four");
  EXPECT_TRUE(was_told("list of writers lacks"));
}

// --- Repairs ---------------------------------------------------------------------------------------------------------

TEST_F(Snapshots, AMissingNodeIsFoundByACheck) {
  auto one = alone();
  make_files(*one, "a");
  pass(*one, 61s);
  ASSERT_EQ(generation(*one), 1u);
  EXPECT_TRUE(one->run(one->index().check_logs()).value().empty());
  int nodes = 0;
  const MemoryStore::Blobs all = store_->blobs();
  for (const auto& [key, bottle] : all) {
    if (!key.starts_with(".spotfs/c/")) continue;
    MemoryStore::Blobs without = store_->blobs();
    without.erase(key);
    store_->set_blobs(without);
    for (const LogFault& fault : one->run(one->index().check_logs()).value()) {
      EXPECT_EQ(fault.key, key);
      nodes += fault.writer ? 0 : 1;
    }
    without[key] = bottle;
    store_->set_blobs(without);
  }
  EXPECT_GE(nodes, 1);
}

TEST_F(Snapshots, AWriterIsRetiredOnceTwoSnapshotsHaveAllThatItDid) {
  auto one = shared("one");
  auto two = shared("two");
  make_files(*two, "a");
  commit(*two);
  const WriterId writer = two->index().status().writer;
  const auto retire = [&] { return one->run(one->index().retire(writer)); };
  EXPECT_FALSE(retire());
  settle(*two);
  EXPECT_EQ(generation(*two), 1u);
  EXPECT_FALSE(retire());
  pass(*two, 24h);
  settle(*two);
  EXPECT_EQ(generation(*two), 2u);
  const Answer<void> retired = retire();
  ASSERT_TRUE(retired) << retired.error().text;
  auto fresh = shared("fresh");
  EXPECT_EQ(fresh->names().size(), 12u);
}

}  // namespace
}  // namespace spotfs
