// How what is written reaches the store, and what is cached of what is there.
#include "tests/unit/tree/blobs_fixture.hpp"

namespace spotfs::tree {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

class BlobsSaveTest : public BlobsTest {
 protected:
  void forget_what_is_cached() { clock_.pass(options_.refresh); }
  std::shared_ptr<OpenFile> opened(const std::string& name, int flags) {
    return open(node(root_, name), flags).value();
  }
};

TEST_F(BlobsSaveTest, CloseReturnsTheOutcomeOfTheStore) {
  mount();
  put(root_, "a", "one");
  const auto file = opened("a", O_WRONLY);
  write(*file, 0, "two");
  watch("a", Verb::store);
  EXPECT_EQ(errno_of(flush(*file)), ENETDOWN);
  store_->set_plan({});
  EXPECT_EQ(errno_of(flush(*file)), 0);
  EXPECT_EQ(stored_text("a"), "two");
}

TEST_F(BlobsSaveTest, FileThatWasNotChangedIsNotStoredAgain) {
  mount();
  put(root_, "a", "one");
  const auto file = opened("a", O_RDWR);
  watch("a");
  EXPECT_EQ(errno_of(flush(*file)), 0);
  release(*file);
  EXPECT_EQ(calls(Verb::store), 0U);
}

TEST_F(BlobsSaveTest, ReleaseStoresWhatCameAfterTheLastFlush) {
  mount();
  put(root_, "a", "one");
  const auto file = opened("a", O_RDWR);
  flush(*file);
  Write by_kernel{0, spot::to_bytes("map")};
  by_kernel.from_cache = true;
  EXPECT_EQ(run(file->write(Caller{}, by_kernel)).value(), 3U);
  release(*file);
  EXPECT_EQ(stored_text("a"), "map");
}

TEST_F(BlobsSaveTest, LastReleaseDropsWhatCouldNotBeStored) {
  mount();
  put(root_, "a", "one");
  watch("a", Verb::store);
  const auto file = opened("a", O_WRONLY);
  write(*file, 0, "two, longer");
  EXPECT_EQ(errno_of(flush(*file)), ENETDOWN);
  release(*file);
  EXPECT_EQ(text(root_, "a").value(), "one");
  EXPECT_EQ(stat(node(root_, "a")).size, 3U);
  EXPECT_TRUE(logged("blobs/a: not stored"));
  EXPECT_THAT(notifier_->contents, Contains(node(root_, "a").get()));
}

TEST_F(BlobsSaveTest, FailureOfOneFileDoesNotStickToLaterOpens) {
  mount();
  put(root_, "a", "one");
  watch("a", Verb::store);
  auto file = opened("a", O_WRONLY);
  write(*file, 0, "two");
  release(*file);
  file.reset();
  const auto next = opened("a", O_RDWR);
  EXPECT_EQ(errno_of(flush(*next)), 0);
}

TEST_F(BlobsSaveTest, TruncateOfAPathThatCantBeStoredLeavesTheOldContent) {
  mount();
  put(root_, "a", "hello");
  watch("a", Verb::store);
  AttributeChanges changes;
  changes.size = 1;
  EXPECT_EQ(errno_of(run(node(root_, "a")->set_attributes(user(), changes, nullptr))), ENETDOWN);
  EXPECT_EQ(stat(node(root_, "a")).size, 5U);
}

TEST_F(BlobsSaveTest, InterruptEndsTheWaitAndNotTheStore) {
  mount();
  put(root_, "a", "one");
  const auto file = opened("a", O_WRONLY);
  write(*file, 0, "two");
  hold("a", Verb::store);
  auto closing = begin(file->flush(user()));
  until_held();
  closing.interrupt();
  EXPECT_EQ(errno_of(finish(closing)), EINTR);
  go();
  EXPECT_EQ(errno_of(flush(*file)), 0);
  EXPECT_EQ(stored_text("a"), "two");
}

TEST_F(BlobsSaveTest, ClosesThatMeetShareOneStore) {
  mount();
  put(root_, "a", "one");
  const auto one = opened("a", O_WRONLY), other = opened("a", O_WRONLY);
  write(*one, 0, "two");
  hold("a", Verb::store);
  auto first = begin(one->flush(user())), second = begin(other->flush(user()));
  until_held();
  settle();
  EXPECT_EQ(waiting_, 1);
  watch("a");
  go();
  EXPECT_EQ(errno_of(finish(first)), 0);
  EXPECT_EQ(errno_of(finish(second)), 0);
  EXPECT_EQ(calls(Verb::store), 0U);
  EXPECT_EQ(stored_text("a"), "two");
}

TEST_F(BlobsSaveTest, WriteDuringAStoreIsStoredByTheNextOne) {
  mount();
  put(root_, "a", "one");
  const auto file = opened("a", O_WRONLY);
  write(*file, 0, "two");
  hold("a", Verb::store);
  auto closing = begin(file->flush(user()));
  until_held();
  write(*file, 0, "T");
  go();
  EXPECT_EQ(errno_of(finish(closing)), 0);
  EXPECT_EQ(stored_text("a"), "two");
  EXPECT_EQ(errno_of(flush(*file)), 0);
  EXPECT_EQ(stored_text("a"), "Two");
}

TEST_F(BlobsSaveTest, UnlinkWaitsForAStoreThatHasBegun) {
  mount();
  put(root_, "a", "one");
  const auto file = opened("a", O_WRONLY);
  write(*file, 0, "two");
  hold("a", Verb::store);
  auto closing = begin(file->flush(user()));
  until_held();
  auto unlinking = begin(root_->unlink(user(), "a"));
  settle();
  EXPECT_FALSE(unlinking.done());
  go();
  EXPECT_EQ(errno_of(finish(closing)), 0);
  EXPECT_EQ(errno_of(finish(unlinking)), 0);
  EXPECT_FALSE(is_stored("a"));
}

TEST_F(BlobsSaveTest, CloseThatMeetsAnUnlinkStoresNothing) {
  mount();
  put(root_, "a", "one");
  const auto file = opened("a", O_WRONLY);
  write(*file, 0, "two");
  hold("a", Verb::erase);
  auto unlinking = begin(root_->unlink(user(), "a"));
  until_held();
  auto closing = begin(file->flush(user()));
  settle();
  go();
  EXPECT_EQ(errno_of(finish(unlinking)), 0);
  EXPECT_EQ(errno_of(finish(closing)), 0);
  EXPECT_FALSE(is_stored("a"));
}

TEST_F(BlobsSaveTest, UnlinkedFileWhoseContentIsNotInMemoryIsStale) {
  options_.cache_limit = 0;
  mount();
  put(root_, "a", "one");
  const NodePtr file = node(root_, "a");
  unlink(root_, "a");
  put_plain("a", "another's");
  EXPECT_EQ(errno_of(open(file, O_RDONLY)), ESTALE);
}

TEST_F(BlobsSaveTest, WhatWasReadStaysAsItWas) {
  mount();
  put(root_, "a", "one");
  const auto file = opened("a", O_RDWR);
  write(*file, 0, "two");
  const Content before = run(file->read(user(), 0, 10)).value();
  write(*file, 0, "six");
  EXPECT_EQ(spot::to_string(before.bytes()), "two");
  EXPECT_EQ(read(*file).value(), "six");
}

TEST_F(BlobsSaveTest, InterruptedUnlinkGoesOn) {
  mount();
  put(root_, "a", "one");
  hold("a", Verb::erase);
  auto unlinking = begin(root_->unlink(user(), "a"));
  until_held();
  unlinking.interrupt();
  EXPECT_EQ(errno_of(finish(unlinking)), EINTR);
  go();
  settle();
  EXPECT_FALSE(is_stored("a"));
  EXPECT_THAT(names(root_), IsEmpty());
}

TEST_F(BlobsSaveTest, ValueIsStoredBeforeTheIndexNamesIt) {
  mount();
  hold("a", Verb::store);
  auto creating = begin(root_->create(user(), "a", 0644, O_WRONLY));
  until_held();
  EXPECT_THAT(names(root_), IsEmpty());
  go();
  EXPECT_EQ(errno_of(finish(creating)), 0);
  EXPECT_THAT(names(root_), ElementsAre("a"));
}

TEST_F(BlobsSaveTest, NameWhoseValueCouldNotBeStoredIsNotMade) {
  mount();
  watch("a", Verb::store);
  EXPECT_EQ(put(root_, "a", "x"), ENETDOWN);
  EXPECT_THAT(names(root_), IsEmpty());
}

TEST_F(BlobsSaveTest, CreatesThatMeetMakeOneFile) {
  mount();
  hold("a", Verb::store);
  auto first = begin(root_->create(user(), "a", 0644, O_WRONLY | O_EXCL));
  until_held();
  auto second = begin(root_->create(user(), "a", 0644, O_WRONLY | O_EXCL));
  go();
  EXPECT_EQ(errno_of(finish(first)), 0);
  EXPECT_EQ(errno_of(finish(second)), EEXIST);
  const auto third = run(root_->create(user(), "a", 0644, O_WRONLY));
  EXPECT_EQ(third.value().entry.node, node(root_, "a"));
}

TEST_F(BlobsSaveTest, HandlesOfOneFileSeeEachOthersWrites) {
  mount();
  put(root_, "a", "one");
  const auto writer = opened("a", O_WRONLY), reader = opened("a", O_RDONLY);
  write(*writer, 3, "two");
  EXPECT_EQ(read(*reader).value(), "onetwo");
  EXPECT_EQ(stat(node(root_, "a")).size, 6U);
}

TEST_F(BlobsSaveTest, OpenFileKeepsTheContentThatItWasOpenedWith) {
  mount();
  put_plain("a", "first");
  const auto old = opened("a", O_RDONLY);
  put_plain("a", "second");
  forget_what_is_cached();
  EXPECT_EQ(read(*opened("a", O_RDONLY)).value(), "second");
  EXPECT_EQ(read(*old).value(), "first");
}

TEST_F(BlobsSaveTest, OpenFileFollowsWhatThisMountWrites) {
  mount();
  put_plain("a", "first");
  const auto old = opened("a", O_RDONLY);
  put_plain("a", "second");
  forget_what_is_cached();
  const auto writer = opened("a", O_WRONLY);
  write(*writer, 0, "S");
  EXPECT_EQ(read(*old).value(), "Second");
}

TEST_F(BlobsSaveTest, ContentIsLookedAtOnceForEachRefresh) {
  mount();
  put(root_, "a", "x");
  watch("a");
  opened("a", O_RDONLY);
  opened("a", O_RDONLY);
  EXPECT_EQ(calls(Verb::fetch), 0U);
  forget_what_is_cached();
  opened("a", O_RDONLY);
  opened("a", O_RDONLY);
  EXPECT_EQ(calls(Verb::fetch), 1U);
}

TEST_F(BlobsSaveTest, OnlyWriterReadsWhatIsCachedForEver) {
  options_.only_writer = true;
  mount();
  put(root_, "a", "x");
  watch("a");
  clock_.pass(std::chrono::hours{24});
  EXPECT_EQ(text(root_, "a").value(), "x");
  EXPECT_EQ(unlink(root_, "a"), 0);
  EXPECT_EQ(calls(Verb::fetch), 0U);
  EXPECT_EQ(calls(Verb::erase), 1U);
}

TEST_F(BlobsSaveTest, CacheIsBounded) {
  options_.only_writer = true;
  options_.cache_limit = 10'000;
  mount();
  put(root_, "a", std::string(6'000, 'a'));
  const NodePtr known = node(root_, "a");
  EXPECT_EQ(read(known).value(), std::string(6'000, 'a'));
  put(root_, "b", std::string(6'000, 'b'));
  watch("a");
  EXPECT_EQ(text(root_, "a").value(), std::string(6'000, 'a'));
  EXPECT_EQ(calls(Verb::fetch), 1U);
}

TEST_F(BlobsSaveTest, WritersStoreOthersContentWhereTooMuchIsDirty) {
  options_.dirty = std::make_shared<DirtyContent>(10'000);
  mount();
  put(root_, "a", "");
  put(root_, "b", "");
  const auto first = opened("a", O_WRONLY), second = opened("b", O_WRONLY);
  write(*first, 0, std::string(6'000, 'a'));
  EXPECT_EQ(stored_text("a"), "");
  write(*second, 0, std::string(6'000, 'b'));
  EXPECT_EQ(stored_text("a"), std::string(6'000, 'a'));
  EXPECT_EQ(errno_of(flush(*second)), 0);
  EXPECT_EQ(stored_text("b"), std::string(6'000, 'b'));
}

TEST_F(BlobsSaveTest, WriterFailsWhereRoomCantBeMade) {
  options_.dirty = std::make_shared<DirtyContent>(10'000);
  mount();
  put(root_, "a", "");
  put(root_, "b", "");
  const auto first = opened("a", O_WRONLY), second = opened("b", O_WRONLY);
  write(*first, 0, std::string(6'000, 'a'));
  watch("a", Verb::store);
  EXPECT_EQ(errno_of(write(*second, 0, std::string(6'000, 'b'))), ENETDOWN);
  release(*first);
  EXPECT_EQ(errno_of(write(*second, 0, std::string(6'000, 'b'))), 0);
}

TEST_F(BlobsSaveTest, KernelKeepsItsPagesOnlyOfTheSameContent) {
  mount();
  put_plain("a", "first");
  const NodePtr file = node(root_, "a");
  run(file->open(user(), O_RDONLY));
  forget_what_is_cached();
  EXPECT_TRUE(run(file->open(user(), O_RDONLY))->keep_cache);
  put_plain("a", "other");
  forget_what_is_cached();
  EXPECT_FALSE(run(file->open(user(), O_RDONLY))->keep_cache);
  EXPECT_TRUE(run(file->open(user(), O_RDONLY))->keep_cache);
}

TEST_F(BlobsSaveTest, ContentsOfOneFileDoNotMeetInTheKernelsCache) {
  mount();
  put_plain("a", "first");
  const NodePtr file = node(root_, "a");
  std::optional<Opened> old = run(file->open(user(), O_RDONLY)).value();
  put_plain("a", "other");
  forget_what_is_cached();
  std::optional<Opened> fresh = run(file->open(user(), O_RDONLY)).value();
  EXPECT_TRUE(fresh->direct_io);
  EXPECT_TRUE(run(file->open(user(), O_RDONLY))->direct_io);
  old.reset();
  fresh.reset();
  const Opened last = run(file->open(user(), O_RDONLY)).value();
  EXPECT_FALSE(last.direct_io);
  EXPECT_FALSE(last.keep_cache);
}

TEST_F(BlobsSaveTest, KernelIsToldOfAnotherSizeBeforeTheOpenIsAnswered) {
  mount();
  put_plain("a", "first");
  const NodePtr file = node(root_, "a");
  stat(file);
  put_plain("a", "longer than that");
  forget_what_is_cached();
  run(file->open(user(), O_RDONLY));
  EXPECT_THAT(notifier_->attributes, ElementsAre(file.get()));
  EXPECT_EQ(notifier_->waits, 1);
}

TEST_F(BlobsSaveTest, TimeoutsAreShortWhereOthersMayWriteAndLongElsewhere) {
  mount();
  put(root_, "a", "x");
  EXPECT_EQ(lookup(root_, "a")->timeout, options_.refresh);
  EXPECT_EQ(stat(node(root_, "a")).timeout, options_.refresh);
  EXPECT_EQ(run(root_->lookup(user(), "none"))->timeout, options_.refresh);
  unmount();
  options_.only_writer = true;
  mount();
  EXPECT_EQ(lookup(root_, "a")->timeout, kLongTimeout);
}

TEST_F(BlobsSaveTest, ChangesOfOtherWritersAreTold) {
  mount();
  put(root_, "a", "x");
  const NodePtr file = node(root_, "a");
  ChangeSet changes;
  changes.inodes.push_back(index_->lookup_now(kBlobs, "a").value().id);
  changes.names.push_back(Place{kBlobs, "b"});
  blobs_.changed(changes);
  EXPECT_THAT(notifier_->contents, ElementsAre(file.get()));
  EXPECT_THAT(notifier_->names, ElementsAre("b"));
}

TEST_F(BlobsSaveTest, FileThatAnotherWriterMovedIsStoredAtItsNewKey) {
  mount();
  put(root_, "a", "x");
  const auto file = opened("a", O_WRONLY);
  const InodeId id = index_->lookup_now(kBlobs, "a").value().id;
  ASSERT_TRUE(run(index_->move(kBlobs, "a", kBlobs, "b", Existing::replace)));
  ChangeSet changes;
  changes.inodes.push_back(id);
  blobs_.changed(changes);
  write(*file, 0, "y");
  EXPECT_EQ(errno_of(flush(*file)), 0);
  EXPECT_EQ(stored_text("b"), "y");
}

TEST_F(BlobsSaveTest, SizeIsTheIndexsOnceItKnowsMoreThanTheCache) {
  mount();
  put_plain("a", "theirs");
  EXPECT_EQ(text(root_, "a").value(), "theirs");
  const auto entry = index_->lookup_now(kBlobs, "a").value();
  ASSERT_TRUE(run(index_->write(entry.id, std::nullopt, Reference::of_value(3), spotfs::Time{}, 0)));
  EXPECT_EQ(stat(node(root_, "a")).size, 3U);
}

TEST_F(BlobsSaveTest, LaterIndexVersionThanTheCachedOneIsFetched) {
  mount();
  put(root_, "a", "one");
  const auto entry = index_->lookup_now(kBlobs, "a").value();
  auto reservation = index_->reserve();
  put_ours("a", "two", reservation->stamp());
  const Result<Stamp> written = run(index_->write_reserved(std::move(reservation), entry.id, entry.inode->version,
                                                           Reference::of_value(3), spotfs::Time{}, 0));
  ASSERT_TRUE(written);
  EXPECT_EQ(text(root_, "a").value(), "two");  // without a refresh
}

}  // namespace
}  // namespace spotfs::tree
