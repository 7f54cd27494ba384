#include "fs/index/walk.hpp"

#include <gmock/gmock.h>

#include "fs/index/names.hpp"
#include "tests/unit/index/index_fixture.hpp"

namespace spotfs {

namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class WalkTest : public IndexTest {
 protected:
  WalkTest() { disk_ = mount(options()); }
  std::vector<std::string> walk(InodeId from = kRoot, std::string path = "") {
    Walk walk{std::shared_ptr<Index>{std::shared_ptr<void>{}, &disk_->index()}, from, std::move(path)};
    std::vector<std::string> out;
    while (const auto one = disk_->run(walk.next()).value()) out.push_back(one->path);
    return out;
  }
  std::unique_ptr<IndexMount> disk_;
};

TEST_F(WalkTest, OfAnEmptyDiskIsOverAtOnce) { EXPECT_THAT(walk(), IsEmpty()); }

TEST_F(WalkTest, MeetsEachNameOnceWithItsPath) {
  const InodeId one = disk_->make("one", Kind::directory);
  const InodeId deep = disk_->make("deep", Kind::directory, one);
  disk_->make("x", Kind::file, deep);
  disk_->make("z", Kind::file, one);
  disk_->make("file");
  EXPECT_THAT(walk(kRoot, "files/"),
              ElementsAre("files/file", "files/one", "files/one/deep", "files/one/deep/x", "files/one/z"));
  EXPECT_THAT(walk(one), ElementsAre("deep", "deep/x", "z"));
}

TEST_F(WalkTest, MeetsAllOfADirectoryOfManyNames) {
  for (int i = 0; i < 300; ++i) disk_->make("n" + std::to_string(i));
  EXPECT_EQ(walk().size(), 300U);
}

TEST_F(WalkTest, GoesOnWhereADirectoryGoesMeanwhile) {
  const InodeId one = disk_->make("a", Kind::directory);
  disk_->make("b");
  Walk walk{std::shared_ptr<Index>{std::shared_ptr<void>{}, &disk_->index()}, kRoot, ""};
  EXPECT_EQ(disk_->run(walk.next()).value()->id, one);
  ASSERT_TRUE(disk_->run(disk_->index().rmdir(kRoot, "a")));
  EXPECT_EQ(disk_->run(walk.next()).value()->path, "b");
  EXPECT_EQ(disk_->run(walk.next()).value(), std::nullopt);
}

TEST_F(WalkTest, FindsWhatAPathNames) {
  const InodeId one = disk_->make("one", Kind::directory);
  const InodeId x = disk_->make("x", Kind::file, one);
  const std::shared_ptr<Index> index{std::shared_ptr<void>{}, &disk_->index()};
  EXPECT_EQ(disk_->run(find_path(index, kRoot, "")).value().id, kRoot);
  EXPECT_EQ(disk_->run(find_path(index, kRoot, "one/x")).value().id, x);
  EXPECT_EQ(disk_->run(find_path(index, kRoot, "/one//x/")).value().id, x);
  EXPECT_FALSE(disk_->run(find_path(index, kRoot, "one/y")));
}

TEST(ConflictStem, IsOfConflictNamesAlone) {
  const std::string name = conflict_name("notes.txt", Stamp::of(1'700'000'000'000, 1, {1, 2, 3, 4}), 1);
  EXPECT_EQ(conflict_stem(name), "notes.txt") << name;
  EXPECT_EQ(conflict_stem(conflict_name("a", Stamp::of(5, 1, {9, 9, 9, 9}), 12)), "a");
  for (const char* other :
       {"notes.txt", "notes.conflict-", "a.conflict-20260101T000000Z-12", "a.conflict-20260101T000000Z-123x",
        ".conflict-20260101T000000Z-1234", "a.conflict-20260101T000000Z-1234.", "a.conflict-20260101T000000Z-1234.x"})
    EXPECT_EQ(conflict_stem(other), std::nullopt) << other;
}

}  // namespace

}  // namespace spotfs
