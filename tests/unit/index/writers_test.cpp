// Several mounts of one identity, and stores that go back in time.
#include <fstream>

#include <gmock/gmock.h>

#include "fs/index/keys.hpp"
#include "tests/unit/index/index_fixture.hpp"

namespace spotfs {

namespace {

using testing::ElementsAre;
using testing::IsEmpty;

using SeveralWriters = IndexTest;

TEST_F(SeveralWriters, EachSeesWhatTheOtherCommitted) {
  store_->set_plan({});
  auto one = mount(options("one"));  // makes the store
  ASSERT_TRUE(one->run(one->index().close()));
  one = mount(shared_options("one"));
  auto two = mount(shared_options("two"));
  one->make("a");
  two->make("b");
  ASSERT_TRUE(one->run(one->index().commit()));
  ASSERT_TRUE(two->run(two->index().commit()));
  ASSERT_TRUE(one->run(one->index().refresh()));
  ASSERT_TRUE(two->run(two->index().refresh()));
  EXPECT_THAT(one->names(), ElementsAre("a", "b"));
  EXPECT_THAT(two->names(), ElementsAre("a", "b"));
}

TEST_F(SeveralWriters, TheKernelIsToldWhatAnotherChanged) {
  auto one = mount(options("one"));
  ASSERT_TRUE(one->run(one->index().close()));
  one = mount(shared_options("one"));
  auto two = mount(shared_options("two"));
  ChangeSet seen;
  one->index().on_change([&](const ChangeSet& changes) { seen = changes; });
  const InodeId id = two->make("b");
  ASSERT_TRUE(two->run(two->index().commit()));
  ASSERT_TRUE(one->run(one->index().refresh()));
  EXPECT_THAT(seen.names, ElementsAre(Place{kRoot, "b"}));
  EXPECT_THAT(seen.inodes, testing::Contains(id));
}

TEST_F(SeveralWriters, AnOlderHeadIsToldAndWhatWasKnownStays) {
  auto one = mount(options("one"));
  ASSERT_TRUE(one->run(one->index().close()));
  one = mount(shared_options("one"));
  auto two = mount(shared_options("two"));
  two->make("a");
  ASSERT_TRUE(two->run(two->index().commit()));
  const MemoryStore::Blobs before = store_->blobs();
  two->make("b");
  ASSERT_TRUE(two->run(two->index().commit()));
  ASSERT_TRUE(one->run(one->index().refresh()));
  const std::string key = head_key(two->index().status().writer);
  MemoryStore::Blobs rolled_back = store_->blobs();
  rolled_back[key] = before.at(key);
  store_->set_blobs(rolled_back);
  ASSERT_TRUE(one->run(one->index().refresh()));
  EXPECT_TRUE(was_told("older head"));
  EXPECT_THAT(one->names(), ElementsAre("a", "b"));
  const IndexStatus status = one->index().status();
  EXPECT_TRUE(std::ranges::any_of(status.others, [](const WriterStatus& writer) { return writer.rolled_back; }));
}

TEST_F(SeveralWriters, ARollbackIsSeenAcrossARemount) {
  auto one = mount(options("one"));
  ASSERT_TRUE(one->run(one->index().close()));
  auto two = mount(shared_options("two"));
  two->make("a");
  ASSERT_TRUE(two->run(two->index().commit()));
  one = mount(options("one"));
  ASSERT_TRUE(one->run(one->index().close()));
  MemoryStore::Blobs without = store_->blobs();
  without.erase(head_key(two->index().status().writer));
  store_->set_blobs(without);
  one = mount(options("one"));
  EXPECT_TRUE(was_told("older head"));
  EXPECT_THAT(one->names(), ElementsAre("a"));
}

TEST_F(SeveralWriters, AChangedPieceIsNotApplied) {
  auto one = mount(options("one"));
  one->make("kept");
  ASSERT_TRUE(one->run(one->index().close()));
  auto two = mount(shared_options("two"));
  two->make("a");
  MemoryStore::Blobs before = store_->blobs();
  ASSERT_TRUE(two->run(two->index().commit()));
  MemoryStore::Blobs changed = store_->blobs();
  for (auto& [key, value] : changed) {
    if (key.starts_with(".spotfs/c/") && !before.contains(key)) value.back() ^= 1;
  }
  store_->set_blobs(changed);
  one = mount(options("one"));
  EXPECT_THAT(one->names(), ElementsAre("kept"));
  EXPECT_TRUE(was_told(".spotfs/c/"));
}

TEST_F(SeveralWriters, ALostListOfWritersIsStoredAgain) {
  auto one = mount(options("one"));
  ASSERT_TRUE(one->run(one->index().close()));
  MemoryStore::Blobs without = store_->blobs();
  without.erase(kWritersKey);
  store_->set_blobs(without);
  one = mount(options("one"));
  EXPECT_TRUE(store_->blobs().contains(kWritersKey));
}

// --- State directories -----------------------------------------------------------------------------------------------

TEST_F(SeveralWriters, BesideALivingMountAnotherTakesADirectoryOfItsOwn) {
  auto one = mount(options("one"));
  one->make("a");
  ASSERT_TRUE(one->run(one->index().commit()));
  auto two = mount(options("one"));
  EXPECT_NE(one->index().status().writer, two->index().status().writer);
  EXPECT_THAT(two->names(), ElementsAre("a"));
}

TEST_F(SeveralWriters, AMountThatIsEndingIsWaitedFor) {
  auto one = mount(options("one"));
  one->make("a");
  one->index().drain();
  EXPECT_EQ(one->run(one->index().make(kRoot, "b", {})).error(), Errc::stopping);
  ASSERT_TRUE(one->run(one->index().commit()));
  IndexOptions with = options("one");
  with.wait_for_drain = std::chrono::milliseconds{0};
  IndexMount too_early;
  EXPECT_EQ(too_early.open(with).error().code, Errc::timed_out);
  const WriterId writer = one->index().status().writer;
  ASSERT_TRUE(one->run(one->index().close()));
  auto next = mount(options("one"));
  EXPECT_EQ(next->index().status().writer, writer);
}

TEST_F(SeveralWriters, WhatAKilledMountLeftIsCommittedByWhoFindsIt) {
  auto one = mount(options("one"));
  auto two = mount(options("one"));
  two->make("left");
  two.reset();
  one->make("a");
  ASSERT_TRUE(one->run(one->index().close()));
  auto three = mount(options("one"));
  ASSERT_TRUE(three->run(three->index().close()));
  auto other = mount(options("two"));
  EXPECT_THAT(other->names(), ElementsAre("a", "left"));
}

TEST_F(SeveralWriters, ACopiedStateDirectoryGoesOnAsAnotherWriter) {
  auto one = mount(options("one"));
  one->make("committed");
  ASSERT_TRUE(one->run(one->index().commit()));
  NewInode content;
  content.version = one->index().draw();
  content.reference = Reference{5, 0, spot::random_array<16>()};
  const InodeId open = one->run(one->index().make(kRoot, "open", content)).value().id;
  const WriterId writer = one->index().status().writer;
  one.reset();
  std::filesystem::copy(state_of("one"), state_of("copy"), std::filesystem::copy_options::recursive);
  IndexOptions with = options("copy");
  auto copy = mount(with);
  EXPECT_NE(copy->index().status().writer, writer);
  EXPECT_THAT(copy->names(), ElementsAre("committed", "open"));
  EXPECT_NE(copy->index().lookup_now(kRoot, "open")->id, open);
  ASSERT_TRUE(copy->run(copy->index().close()));
  one = mount(options("one"));
  EXPECT_EQ(one->index().status().writer, writer);
  ASSERT_TRUE(one->run(one->index().close()));
  // Nothing of either is lost, and all agree.
  auto third = mount(options("three"));
  EXPECT_EQ(third->names().size(), 3u);
}

TEST_F(SeveralWriters, AMovedStateDirectoryOnThisMachineIsACopyToo) {
  auto one = mount(options("one"));
  one->make("a");
  const WriterId writer = one->index().status().writer;
  ASSERT_TRUE(one->run(one->index().close()));
  std::filesystem::copy(state_of("one"), state_of("copy"), std::filesystem::copy_options::recursive);
  std::filesystem::remove_all(state_of("one"));
  IndexOptions with = options("one");
  with.state = state_of("copy");
  one = mount(with);
  EXPECT_NE(one->index().status().writer, writer);
  EXPECT_THAT(one->names(), ElementsAre("a"));
}

TEST_F(SeveralWriters, AHeadOfOursThatWeDidNotStoreMakesANewWriter) {
  auto one = mount(options("one"));
  one->make("a");
  ASSERT_TRUE(one->run(one->index().close()));
  const WriterId writer = one->index().status().writer;
  // A copy of an earlier time, as a restored backup is: its file has the old inode number only by chance, so the
  // journal is put back in place.
  std::filesystem::path journal;
  for (const auto& entry : std::filesystem::recursive_directory_iterator{state_of("one")}) {
    if (entry.path().filename() == "journal.db") journal = entry.path();
  }
  const std::filesystem::path backup = directory_ / "backup.db";
  std::filesystem::copy_file(journal, backup);
  one = mount(options("one"));
  one->make("b");
  ASSERT_TRUE(one->run(one->index().close()));
  one.reset();
  for (const char* tail : {"-wal", "-shm"}) std::filesystem::remove(journal.string() + tail);
  std::ofstream{journal, std::ios::binary | std::ios::trunc} << std::ifstream{backup, std::ios::binary}.rdbuf();
  one = mount(options("one"));
  EXPECT_NE(one->index().status().writer, writer);
  EXPECT_THAT(one->names(), ElementsAre("a", "b"));
}

// --- The store's id --------------------------------------------------------------------------------------------------

TEST_F(SeveralWriters, AStoreThatLostEverythingIsNotTakenUnlessAskedFor) {
  auto one = mount(options("one"));
  one->make("a");
  ASSERT_TRUE(one->run(one->index().close()));
  store_->set_blobs({});
  IndexMount again;
  const Answer<void> refused = again.open(options("one"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::rollback);
  EXPECT_THAT(refused.error().text, testing::HasSubstr("accept_store"));
  IndexOptions with = options("one");
  with.accept_store = true;
  one = mount(with);
  EXPECT_THAT(one->names(), IsEmpty());
}

TEST_F(SeveralWriters, AStoreWithAnotherIdIsNotTakenUnlessAskedFor) {
  auto one = mount(options("one"));
  ASSERT_TRUE(one->run(one->index().close()));
  store_->set_blobs({});
  auto two = mount(options("two"));
  ASSERT_TRUE(two->run(two->index().close()));
  IndexMount again;
  const Answer<void> refused = again.open(options("one"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::wrong_name);
  IndexOptions with = options("one");
  with.accept_store = true;
  EXPECT_TRUE(mount(with));
}

TEST_F(SeveralWriters, AnIdThatAloneIsMissingIsStoredAgain) {
  auto one = mount(options("one"));
  one->make("a");
  ASSERT_TRUE(one->run(one->index().close()));
  MemoryStore::Blobs without = store_->blobs();
  without.erase(kStoreKey);
  store_->set_blobs(without);
  one = mount(options("one"));
  EXPECT_THAT(one->names(), ElementsAre("a"));
  EXPECT_TRUE(store_->blobs().contains(kStoreKey));
}

TEST_F(SeveralWriters, AStoreThatDoesNotAnswerIsNoEmptyOne) {
  store_->set_plan([](MemoryStore::Verb, std::string) -> asio::awaitable<MemoryStore::Fate> {
    co_return MemoryStore::Fate::failed;
  });
  IndexMount disk;
  const Answer<void> opened = disk.open(options("one"));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::offline);
  EXPECT_TRUE(store_->blobs().empty());
}

}  // namespace

}  // namespace spotfs
