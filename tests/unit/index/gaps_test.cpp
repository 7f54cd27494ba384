// Mounts that have not read all of the newest snapshot.
#include <gmock/gmock.h>

#include "fs/index/keys.hpp"
#include "fs/index/walk.hpp"
#include "tests/unit/index/index_fixture.hpp"
#include "tests/unit/lost_contents.hpp"

namespace spotfs {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::SizeIs;
using testing::StartsWith;
using namespace std::chrono_literals;

class OverGaps : public IndexTest {
 protected:
  using Fate = MemoryStore::Fate;
  using Verb = MemoryStore::Verb;

  // A snapshot of three directories with eight files each, in nodes that have a few names.
  OverGaps() {
    auto maker = mount(with(options("maker")));
    for (const char* const name : {"one", "two", "three"}) {
      directories_.push_back(maker->make(name, Kind::directory));
      for (int i = 0; i < 8; ++i) {
        maker->make("file " + std::to_string(i), Kind::file, directories_.back());
        clock_.now += 1ms;
      }
    }
    for (const auto pause : {61s, 31s}) pass(*maker, pause);
    EXPECT_EQ(maker->index().status().snapshot, 1U);
    EXPECT_TRUE(maker->run(maker->index().close()));
    store_->set_plan([this](Verb verb, std::string key) -> asio::awaitable<Fate> {
      if (verb != Verb::fetch || !key.starts_with(".spotfs/c/")) co_return Fate::done;
      if (is_away_) co_return Fate::failed;
      ++fetched_;
      co_return Fate::done;
    });
  }
  IndexOptions with(IndexOptions options) {
    options.clock = &clock_;
    options.snapshot_after = 10;
    options.snapshot_nodes = {600, 450, 150};
    return options;
  }
  std::unique_ptr<IndexMount> shared(const std::string& machine) { return mount(with(shared_options(machine))); }
  void pass(IndexMount& mount, std::chrono::nanoseconds time) {
    clock_.now += time;
    for (int again = 0; again < 2; ++again) {
      ASSERT_TRUE(mount.run(mount.index().commit()));
      for (int i = 0; i < 2'000; ++i) mount.context().poll();
    }
  }
  void exchange_news(IndexMount& one, IndexMount& two) {
    for (IndexMount* const each : {&one, &two}) {
      clock_.now += 1ms;
      ASSERT_TRUE(each->run(each->index().commit()));
    }
    for (IndexMount* const each : {&one, &two}) ASSERT_TRUE(each->run(each->index().refresh()));
  }
  std::size_t fetched() { return std::exchange(fetched_, 0); }

  SetClock clock_;
  std::vector<InodeId> directories_;
  bool is_away_ = false;
  std::size_t fetched_ = 0;
};

TEST_F(OverGaps, AChangeReadsWhatItNeeds) {
  auto mount = shared("a");
  fetched();
  NewInode file;
  file.mode = 0644;
  ASSERT_TRUE(mount->run(mount->index().make(directories_[1], "new", file)));
  EXPECT_GT(fetched(), 0U);
  ASSERT_TRUE(mount->run(mount->index().make(directories_[1], "newer", file)));
  EXPECT_LE(fetched(), 1U);
  EXPECT_THAT(mount->names(directories_[1]), SizeIs(10));
}

TEST_F(OverGaps, ARenameFromOneToAnotherIsWhatOthersSee) {
  auto one = shared("a"), two = shared("b");
  const auto moved =
      one->run(one->index().move(directories_[0], "file 3", directories_[2], "file 5", Existing::replace));
  ASSERT_TRUE(moved);
  EXPECT_TRUE(*moved);
  ASSERT_TRUE(one->run(one->index().move(kRoot, "two", directories_[0], "below", Existing::replace)));
  exchange_news(*one, *two);
  for (IndexMount* const each : {one.get(), two.get()}) {
    EXPECT_THAT(each->names(), ElementsAre("one", "three"));
    EXPECT_THAT(each->names(directories_[0]), SizeIs(8));
    EXPECT_THAT(each->names(directories_[0]), Contains("below"));
    EXPECT_THAT(each->names(directories_[1]), SizeIs(8));
    EXPECT_THAT(each->names(directories_[2]), SizeIs(8));
  }
}

TEST_F(OverGaps, TwoFilesOfOneNameAreBothKept) {
  auto one = shared("a"), two = shared("b");
  for (IndexMount* const each : {one.get(), two.get()}) {
    clock_.now += 1ms;
    NewInode file;
    file.mode = 0644;
    file.version = each->index().draw();
    file.reference = Reference{10, 0, BlobId{1}};
    ASSERT_TRUE(each->run(each->index().make(directories_[2], "file 1 or not", file)));
  }
  exchange_news(*one, *two);
  EXPECT_THAT(one->names(directories_[2]), SizeIs(10));
  EXPECT_THAT(one->names(directories_[2]), Contains(StartsWith("file 1 or not.conflict-")));
  EXPECT_EQ(two->names(directories_[2]), one->names(directories_[2]));
}

TEST_F(OverGaps, WhatOthersDoIsAppliedOnceItCanBeRead) {
  auto one = shared("a"), two = shared("b");
  ASSERT_TRUE(one->run(one->index().unlink(directories_[1], "file 0")));
  ASSERT_TRUE(one->run(one->index().commit()));
  is_away_ = true;
  EXPECT_FALSE(two->run(two->index().refresh()));
  is_away_ = false;
  ASSERT_TRUE(two->run(two->index().refresh()));
  EXPECT_THAT(two->names(directories_[1]), SizeIs(7));
}

TEST_F(OverGaps, WithoutAConnectionWhatWasReadIsThereAndTheRestAnError) {
  auto mount = shared("a");
  ASSERT_THAT(mount->names(directories_[0]), SizeIs(8));
  is_away_ = true;
  EXPECT_THAT(mount->names(directories_[0]), SizeIs(8));
  EXPECT_TRUE(mount->run(mount->index().unlink(directories_[0], "file 2")));
  EXPECT_FALSE(mount->run(mount->index().list(directories_[2], "", 100)));
  EXPECT_FALSE(mount->run(mount->index().rmdir(kRoot, "three")));
  is_away_ = false;
  EXPECT_THAT(mount->names(directories_[2]), SizeIs(8));
}

TEST_F(OverGaps, WhatWasLostIsAskedForAgainAfterAWhile) {
  auto mount = shared("a");
  const MemoryStore::Blobs all = store_->blobs();
  MemoryStore::Blobs without = all;
  std::erase_if(without, [](const auto& blob) { return blob.first.starts_with(".spotfs/c/"); });
  store_->set_blobs(without);
  EXPECT_EQ(spot::to_errno(mount->run(mount->index().list(directories_[1], "", 100)).error()), EREMOTEIO);
  store_->set_blobs(all);
  EXPECT_FALSE(mount->run(mount->index().list(directories_[1], "", 100)));
  clock_.now += 6min;
  ASSERT_TRUE(mount->run(mount->index().refresh()));
  EXPECT_THAT(mount->names(directories_[1]), SizeIs(8));
}

TEST_F(OverGaps, AWalkNamesADirectoryThatIsLostAndGoesOn) {
  std::size_t named = 0;
  test::without_each_content(*store_, [&](const std::string&) {
    std::filesystem::remove_all(state_of("a"));
    IndexMount mount;
    if (!mount.open(with(shared_options("a")))) return;  // the runs, or what is above all of them
    Walk walk{std::shared_ptr<Index>{std::shared_ptr<void>{}, &mount.index()}, kRoot, "files/"};
    std::size_t whole = 0;
    std::vector<std::string> lost;
    for (;;) {
      const auto one = mount.run(walk.next());
      ASSERT_TRUE(one);
      if (!*one) break;
      if ((*one)->unlisted)
        lost.push_back((*one)->path);
      else
        ++whole;
    }
    if (lost.size() != 1 || lost.front() == "files") return;
    EXPECT_THAT(lost.front(), StartsWith("files/"));
    EXPECT_GE(whole, 3U + 2 * 8U);
    ++named;
  });
  EXPECT_GE(named, 3U);
}

}  // namespace
}  // namespace spotfs
