// What mounts read of a snapshot, and what they do where a node of it is lost.
#include "tests/unit/index/snapshots_fixture.hpp"
#include "tests/unit/lost_contents.hpp"

namespace spotfs {
namespace {

TEST_F(Snapshots, AreReadAsFarAsSomethingIsAskedFor) {
  auto one = alone();
  std::vector<InodeId> directories;
  for (int d = 0; d < 20; ++d) {
    directories.push_back(one->make("directory " + std::to_string(d), Kind::directory));
    for (int i = 0; i < 200; ++i) {
      one->make("some longer name of a file " + std::to_string(i), Kind::file, directories.back());
      clock_.now += 1ms;
    }
  }
  settle(*one);
  ASSERT_EQ(generation(*one), 1u);
  const std::size_t blobs = content_blobs();
  ASSERT_GT(blobs, 40u);
  ASSERT_TRUE(one->run(one->index().close()));
  std::size_t fetched = 0;
  store_->set_plan([&](MemoryStore::Verb verb, std::string key) -> asio::awaitable<MemoryStore::Fate> {
    if (verb == MemoryStore::Verb::fetch && key.starts_with(".spotfs/c/")) ++fetched;
    co_return MemoryStore::Fate::done;
  });
  auto two = alone("two");
  EXPECT_LE(fetched, 10u);
  fetched = 0;
  EXPECT_EQ(two->index().lookup_now(kRoot, "directory 11").error(), std::errc::operation_would_block);
  ASSERT_TRUE(two->run(two->index().lookup(kRoot, "directory 11")));
  EXPECT_LE(fetched, 4u);
  EXPECT_TRUE(two->index().lookup_now(kRoot, "directory 11"));
  EXPECT_EQ(two->names(directories[11]).size(), 200u);
  EXPECT_LE(fetched, 12u);
  two->make("new", Kind::file, directories[3]);
  EXPECT_EQ(two->names(directories[3]).size(), 201u);
  EXPECT_LE(fetched, 24u);
  // What it makes of it has only what changed.
  const std::size_t before = content_blobs();
  pass(*two, 25h);
  ASSERT_EQ(generation(*two), 2u);
  EXPECT_LE(content_blobs() - before, 8u);
  auto three = alone("three");
  EXPECT_EQ(three->names(directories[3]).size(), 201u);
  EXPECT_EQ(three->names(directories[19]).size(), 200u);
}

TEST_F(Snapshots, OfWhichANodeIsLostAreReplacedByTheirBaseWhenItIsMissed) {
  auto one = alone();
  make_files(*one, "some longer name of a file ", 1'000);
  settle(*one);
  ASSERT_EQ(generation(*one), 1u);
  make_files(*one, "another long name of a file ", 1'000);
  commit(*one);
  const MemoryStore::Blobs with_log = store_->blobs();
  settle(*one);
  ASSERT_EQ(generation(*one), 2u);
  const std::vector<std::string> names = one->names();
  ASSERT_TRUE(one->run(one->index().close()));
  std::size_t fallen = 0;
  test::without_each_content(*store_, [&](const std::string& key) {
    if (with_log.contains(key)) return;
    std::filesystem::remove_all(state_of("two"));
    auto two = alone("two");
    EXPECT_EQ(two->names(), names);
    if (was_told("can't be read")) ++fallen;
    notices_.clear();
  });
  EXPECT_GE(fallen, 3u);
}

TEST_F(Snapshots, OfWhichANodeIsLostThatTheirBaseHasTooShowTheRest) {
  auto one = alone();
  const InodeId full = one->make("full", Kind::directory);
  const InodeId other = one->make("other", Kind::directory);
  for (int i = 0; i < 1'000; ++i) {
    one->make("some longer name of a file " + std::to_string(i), Kind::file, i < 900 ? full : other);
    clock_.now += 1ms;
  }
  settle(*one);
  ASSERT_EQ(generation(*one), 1u);
  const MemoryStore::Blobs first = store_->blobs();
  one->make("more");
  pass(*one, 25h);
  ASSERT_EQ(generation(*one), 2u);
  ASSERT_TRUE(one->run(one->index().close()));
  std::size_t partial = 0;
  test::without_each_content(*store_, [&](const std::string& key) {
    if (!first.contains(key)) return;
    std::filesystem::remove_all(state_of("two"));
    auto two = alone("two");
    const auto listed = two->run(two->index().list(full, "", 2'000));
    const auto there = two->run(two->index().list(other, "", 2'000));
    if (!listed && there) {
      ++partial;
      EXPECT_EQ(spot::to_errno(listed.error()), EREMOTEIO);
      EXPECT_EQ(there->size(), 100u);
      NewInode inode;
      EXPECT_TRUE(two->run(two->index().make(other, "the last", inode)));
      // Nothing is made of it that others would read, nothing deleted.
      pass(*two, 25h);
      EXPECT_EQ(generation(*two), 2u);
      const auto faults = two->run(two->index().check_logs());
      ASSERT_TRUE(faults);
      EXPECT_TRUE(std::ranges::any_of(*faults, [&](const LogFault& one_fault) { return one_fault.key == key; }));
    }
  });
  EXPECT_GE(partial, 3u);
}

}  // namespace
}  // namespace spotfs
