// A disk that is opened, and used, while nobody can be reached.
#include <gmock/gmock.h>

#include "fs/index/keys.hpp"
#include "tests/unit/index/index_fixture.hpp"

namespace spotfs {

namespace {

using testing::ElementsAre;
using testing::StartsWith;

class WithoutAConnection : public IndexTest {
 protected:
  using Fate = MemoryStore::Fate;
  using Verb = MemoryStore::Verb;

  void make_store() {
    auto first = mount(options("one"));
    ASSERT_TRUE(first->run(first->index().close()));
  }
  IndexOptions offline_options(const std::string& machine = "one") {
    IndexOptions out = shared_options(machine);
    out.open_offline = true;
    return out;
  }
  // Content is what a cache has of it; all else is unreachable.
  void go_offline(bool with_cache = true) {
    store_->set_plan([this, with_cache](Verb verb, std::string key) -> asio::awaitable<Fate> {
      const bool is_content = key.starts_with(".spotfs/c/");
      if (!is_content) ++asked_;
      co_return with_cache&& is_content&& verb == Verb::fetch ? Fate::done : Fate::failed;
    });
  }
  Answer<void> open(IndexOptions with) {
    mount_ = std::make_unique<IndexMount>();
    return mount_->open(std::move(with));
  }
  std::size_t asked() { return std::exchange(asked_, 0); }

  std::unique_ptr<IndexMount> mount_;
  std::size_t asked_ = 0;
};

TEST_F(WithoutAConnection, TheDiskIsTheOneThatWasSeenLast) {
  make_store();
  auto one = mount(shared_options("one"));
  auto two = mount(shared_options("two"));
  one->make("mine");
  ASSERT_TRUE(one->run(one->index().commit()));
  two->make("theirs");
  ASSERT_TRUE(two->run(two->index().commit()));
  ASSERT_TRUE(one->run(one->index().refresh()));
  one.reset();  // as by a kill
  two->make("never seen");
  ASSERT_TRUE(two->run(two->index().commit()));
  go_offline();
  ASSERT_TRUE(open(offline_options("one")));
  EXPECT_THAT(mount_->names(), ElementsAre("mine", "theirs"));
  EXPECT_TRUE(was_told("no connection: the disk is shown as it was seen last"));
  store_->set_plan({});
  ASSERT_TRUE(mount_->run(mount_->index().refresh()));
  EXPECT_THAT(mount_->names(), ElementsAre("mine", "never seen", "theirs"));
}

TEST_F(WithoutAConnection, DirectoriesThatAreAlwaysThereAreShownBeforeTheStoreIsLookedAt) {
  SetClock clock;
  IndexOptions with = shared_options("one");
  with.clock = &clock;
  with.refresh = std::chrono::seconds{1};
  auto one = mount(with);
  auto two = mount(shared_options("two"));
  two->make("theirs");
  ASSERT_TRUE(two->run(two->index().commit()));
  const InodeId mine = one->make("mine");
  clock.now += std::chrono::hours{1};
  store_->set_plan([this](Verb, std::string) -> asio::awaitable<Fate> {
    ++asked_;
    co_return Fate::done;
  });
  EXPECT_EQ(one->index().inode_now(mine).error(), std::errc::operation_would_block);
  for (const InodeId& id : {kRoot, kBlobs}) EXPECT_TRUE(one->index().inode_now(id));
  EXPECT_EQ(asked(), 0U);
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes{1};
  while (!one->index().lookup_now(kRoot, "theirs") && std::chrono::steady_clock::now() < end)
    one->context().run_one_for(std::chrono::seconds{1});
  EXPECT_TRUE(one->index().lookup_now(kRoot, "theirs"));
}

TEST_F(WithoutAConnection, ChangesAreCommittedWhenThereIsOne) {
  make_store();
  go_offline();
  ASSERT_TRUE(open(offline_options("one")));
  mount_->make("made offline");
  EXPECT_FALSE(mount_->run(mount_->index().commit()));
  store_->set_plan({});
  ASSERT_TRUE(mount_->run(mount_->index().commit()));
  auto two = mount(shared_options("two"));
  EXPECT_THAT(two->names(), ElementsAre("made offline"));
}

TEST_F(WithoutAConnection, NothingIsShownWhereTheOptionIsNotThere) {
  make_store();
  go_offline();
  EXPECT_EQ(open(shared_options("one")).error().code, Errc::offline);
}

TEST_F(WithoutAConnection, AMachineThatHasNeverSeenTheDiskShowsNothing) {
  make_store();
  go_offline();
  EXPECT_EQ(open(offline_options("another")).error().code, Errc::offline);
}

TEST_F(WithoutAConnection, ASecondMountBesideALivingOneShowsNoEmptyDisk) {
  make_store();
  auto one = mount(shared_options("one"));
  one->make("a");
  go_offline();
  const Answer<void> opened = open(offline_options("one"));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::offline);
  EXPECT_THAT(opened.error().text, StartsWith("no connection, and not all names"));
}

TEST_F(WithoutAConnection, ADiskOfWhichAPartIsMissingIsNotShown) {
  make_store();
  auto one = mount(shared_options("one"));
  auto two = mount(shared_options("two"));
  two->make("theirs");
  ASSERT_TRUE(two->run(two->index().commit()));
  ASSERT_TRUE(one->run(one->index().refresh()));
  one.reset();
  go_offline(false);
  const Answer<void> opened = open(offline_options("one"));
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().text, StartsWith("no connection, and not all names"));
}

TEST_F(WithoutAConnection, ASnapshotIsReadFromItsCopiesOrTheDiskIsNotShown) {
  SetClock clock;
  const auto with_clock = [&](IndexOptions options) {
    options.clock = &clock;
    options.snapshot_after = 10;
    return options;
  };
  auto one = mount(with_clock(options("one")));
  for (int i = 0; i < 12; ++i) {
    one->make(std::to_string(i));
    clock.now += std::chrono::milliseconds{1};
  }
  clock.now += std::chrono::seconds{61};
  ASSERT_TRUE(one->run(one->index().commit()));
  for (int i = 0; i < 2'000; ++i) one->context().poll();
  ASSERT_TRUE(one->run(one->index().commit()));
  ASSERT_EQ(one->index().status().snapshot, 1u);
  one.reset();
  go_offline();
  ASSERT_TRUE(open(with_clock(offline_options("one"))));
  EXPECT_EQ(mount_->names().size(), 12u);
  EXPECT_EQ(mount_->index().status().snapshot, 1u);
  mount_.reset();
  go_offline(false);
  EXPECT_THAT(open(with_clock(offline_options("one"))).error().text, StartsWith("no connection, and not all names"));
}

TEST_F(WithoutAConnection, AMountThatNeverReadAllHeadsShowsNothing) {
  make_store();
  auto two = mount(shared_options("two"));
  two->make("theirs");
  ASSERT_TRUE(two->run(two->index().commit()));
  const std::string head = head_key(two->index().status().writer);
  store_->set_plan(
      [head](Verb, std::string key) -> asio::awaitable<Fate> { co_return key == head ? Fate::failed : Fate::done; });
  ASSERT_FALSE(open(offline_options("three")));
  go_offline();
  EXPECT_FALSE(open(offline_options("three")));
}

TEST_F(WithoutAConnection, ARefreshAsksOneQuestionAndGivesUp) {
  make_store();
  auto one = mount(shared_options("one"));
  auto two = mount(shared_options("two"));
  auto three = mount(shared_options("three"));
  ASSERT_TRUE(one->run(one->index().refresh()));
  go_offline();
  asked();
  EXPECT_EQ(one->run(one->index().refresh()).error().code, Errc::offline);
  EXPECT_EQ(asked(), 1U);
}

TEST_F(WithoutAConnection, ACommitAfterwardsLooksFirstWhetherSomeoneElseIsThisWriter) {
  make_store();
  auto one = mount(shared_options("one"));
  one->make("a");
  ASSERT_TRUE(one->run(one->index().commit()));
  const WriterId writer = one->index().status().writer;
  one.reset();
  go_offline();
  ASSERT_TRUE(open(offline_options("one")));
  std::vector<std::string> keys;
  store_->set_plan([&](Verb verb, std::string key) -> asio::awaitable<Fate> {
    keys.push_back((verb == Verb::fetch ? "fetch " : "other ") + key);
    co_return Fate::done;
  });
  mount_->make("c");
  ASSERT_TRUE(mount_->run(mount_->index().commit()));
  const std::string head = head_key(writer);
  const auto looked = std::ranges::find(keys, "fetch " + head), stored = std::ranges::find(keys, "other " + head);
  EXPECT_LT(looked - keys.begin(), stored - keys.begin());
  EXPECT_NE(stored, keys.end());
}

}  // namespace

}  // namespace spotfs
