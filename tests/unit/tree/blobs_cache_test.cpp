// What is kept in memory of what is there, by us and by the kernel.
#include "tests/unit/tree/blobs_fixture.hpp"

namespace spotfs::tree {
namespace {

using testing::ElementsAre;

class BlobsCacheTest : public BlobsTest {
 protected:
  void forget_what_is_cached() { clock_.pass(options_.refresh); }
  std::shared_ptr<OpenFile> opened(const std::string& name, int flags) {
    return open(node(root_, name), flags).value();
  }
};

TEST_F(BlobsCacheTest, HandlesOfOneFileSeeEachOthersWrites) {
  mount();
  put(root_, "a", "one");
  const auto writer = opened("a", O_WRONLY), reader = opened("a", O_RDONLY);
  write(*writer, 3, "two");
  EXPECT_EQ(read(*reader).value(), "onetwo");
  EXPECT_EQ(stat(node(root_, "a")).size, 6U);
}

TEST_F(BlobsCacheTest, OpenFileKeepsTheContentThatItWasOpenedWith) {
  mount();
  put_plain("a", "first");
  const auto old = opened("a", O_RDONLY);
  put_plain("a", "second");
  forget_what_is_cached();
  EXPECT_EQ(read(*opened("a", O_RDONLY)).value(), "second");
  EXPECT_EQ(read(*old).value(), "first");
}

TEST_F(BlobsCacheTest, OpenFileFollowsWhatThisMountWrites) {
  mount();
  put_plain("a", "first");
  const auto old = opened("a", O_RDONLY);
  put_plain("a", "second");
  forget_what_is_cached();
  const auto writer = opened("a", O_WRONLY);
  write(*writer, 0, "S");
  EXPECT_EQ(read(*old).value(), "Second");
}

TEST_F(BlobsCacheTest, ContentIsLookedAtOnceForEachRefresh) {
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

TEST_F(BlobsCacheTest, OnlyWriterReadsWhatIsCachedForEver) {
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

TEST_F(BlobsCacheTest, CacheIsBounded) {
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

TEST_F(BlobsCacheTest, KernelKeepsItsPagesOnlyOfTheSameContent) {
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

TEST_F(BlobsCacheTest, ContentsOfOneFileDoNotMeetInTheKernelsCache) {
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

TEST_F(BlobsCacheTest, KernelIsToldOfAnotherSizeBeforeTheOpenIsAnswered) {
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

TEST_F(BlobsCacheTest, TimeoutsAreShortWhereOthersMayWriteAndLongElsewhere) {
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

TEST_F(BlobsCacheTest, ChangesOfOtherWritersAreTold) {
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

TEST_F(BlobsCacheTest, FileThatAnotherWriterMovedIsStoredAtItsNewKey) {
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

TEST_F(BlobsCacheTest, SizeIsTheIndexsOnceItKnowsMoreThanTheCache) {
  mount();
  put_plain("a", "theirs");
  EXPECT_EQ(text(root_, "a").value(), "theirs");
  const auto entry = index_->lookup_now(kBlobs, "a").value();
  ASSERT_TRUE(run(index_->write(entry.id, std::nullopt, Reference::of_value(3), spotfs::Time{}, 0)));
  EXPECT_EQ(stat(node(root_, "a")).size, 3U);
}

TEST_F(BlobsCacheTest, LaterIndexVersionThanTheCachedOneIsFetched) {
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
