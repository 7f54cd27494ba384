#include <gmock/gmock.h>

#include "tests/unit/index/index_fixture.hpp"

namespace spotfs {

namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::error_code posix(std::errc e) { return make_error_code(e); }

class Names : public IndexTest {
 protected:
  std::unique_ptr<IndexMount> disk_ = mount(options());
};

TEST_F(Names, FindsWhatWasMade) {
  const InodeId id = disk_->make("a");
  const Result<Entry> found = disk_->index().lookup_now(kRoot, "a");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->id, id);
  EXPECT_EQ(found->inode->mode, 0644u);
  EXPECT_EQ(found->inode->links, 1u);
}

TEST_F(Names, ListsInTheOrderOfBytesFromAnyNameOn) {
  for (const char* name : {"b", "a", "B", "\xff", "ab"}) disk_->make(name);
  EXPECT_THAT(disk_->names(), ElementsAre("B", "a", "ab", "b", "\xff"));
  const auto rest = disk_->run(disk_->index().list(kRoot, "a", 2)).value();
  ASSERT_EQ(rest.size(), 2u);
  EXPECT_EQ(rest[0].name, "ab");
  EXPECT_EQ(rest[1].name, "b");
}

TEST_F(Names, RefusesAMakeWhereTheNameIsTaken) {
  disk_->make("a");
  EXPECT_EQ(disk_->run(disk_->index().make(kRoot, "a", {})).error(), posix(std::errc::file_exists));
}

TEST_F(Names, RefusesNamesThatNoDirectoryCanHold) {
  EXPECT_EQ(disk_->run(disk_->index().make(kRoot, "a/b", {})).error(), posix(std::errc::invalid_argument));
  EXPECT_EQ(disk_->run(disk_->index().make(kRoot, "..", {})).error(), posix(std::errc::invalid_argument));
  const std::string long_name(256, 'x');
  EXPECT_EQ(disk_->run(disk_->index().make(kRoot, long_name, {})).error(), posix(std::errc::filename_too_long));
  disk_->make(std::string(255, 'x'));
}

TEST_F(Names, UnlinkLeavesTheInodeToWhoHasIt) {
  const InodeId id = disk_->make("a");
  ASSERT_TRUE(disk_->run(disk_->index().unlink(kRoot, "a")));
  EXPECT_EQ(disk_->index().lookup_now(kRoot, "a").error(), posix(std::errc::no_such_file_or_directory));
  const Result<InodePtr> gone = disk_->index().inode_now(id);
  ASSERT_TRUE(gone);
  EXPECT_EQ((*gone)->links, 0u);
}

TEST_F(Names, TellsFilesFromDirectoriesWhenTheyGo) {
  disk_->make("file");
  const InodeId directory = disk_->make("directory", Kind::directory);
  disk_->make("in it", Kind::file, directory);
  EXPECT_EQ(disk_->run(disk_->index().unlink(kRoot, "directory")).error(), posix(std::errc::is_a_directory));
  EXPECT_EQ(disk_->run(disk_->index().rmdir(kRoot, "file")).error(), posix(std::errc::not_a_directory));
  EXPECT_EQ(disk_->run(disk_->index().rmdir(kRoot, "directory")).error(), posix(std::errc::directory_not_empty));
  ASSERT_TRUE(disk_->run(disk_->index().unlink(directory, "in it")));
  EXPECT_TRUE(disk_->run(disk_->index().rmdir(kRoot, "directory")));
}

TEST_F(Names, AMoveReplacesAndGivesWhatItReplaced) {
  const InodeId a = disk_->make("a"), b = disk_->make("b");
  const auto moved = disk_->run(disk_->index().move(kRoot, "a", kRoot, "b", Existing::replace));
  ASSERT_TRUE(moved);
  ASSERT_TRUE(*moved);
  EXPECT_EQ((*moved)->id, b);
  EXPECT_EQ(disk_->index().lookup_now(kRoot, "b")->id, a);
  EXPECT_THAT(disk_->names(), ElementsAre("b"));
}

TEST_F(Names, AMoveKeepsWhatIsThereIfAskedTo) {
  disk_->make("a");
  disk_->make("b");
  EXPECT_EQ(disk_->run(disk_->index().move(kRoot, "a", kRoot, "b", Existing::keep)).error(),
            posix(std::errc::file_exists));
}

TEST_F(Names, ADirectoryIsNotMovedBelowItself) {
  const InodeId outer = disk_->make("outer", Kind::directory);
  const InodeId inner = disk_->make("inner", Kind::directory, outer);
  EXPECT_EQ(disk_->run(disk_->index().move(kRoot, "outer", inner, "x", Existing::replace)).error(),
            posix(std::errc::invalid_argument));
}

TEST_F(Names, BelowBlobsOnlyFilesMoveAndNothingLeaves) {
  disk_->make("directory", Kind::directory, kBlobs);
  disk_->make("file", Kind::file, kBlobs);
  const auto move = [&](const char* name, InodeId to) {
    return disk_->run(disk_->index().move(kBlobs, name, to, "x", Existing::replace));
  };
  EXPECT_EQ(move("directory", kBlobs).error(), posix(std::errc::cross_device_link));
  EXPECT_EQ(move("file", kRoot).error(), posix(std::errc::cross_device_link));
  EXPECT_TRUE(move("file", kBlobs));
}

TEST_F(Names, ExchangesTwoNames) {
  const InodeId a = disk_->make("a"), b = disk_->make("b", Kind::directory);
  ASSERT_TRUE(disk_->run(disk_->index().exchange(kRoot, "a", kRoot, "b")));
  EXPECT_EQ(disk_->index().lookup_now(kRoot, "a")->id, b);
  EXPECT_EQ(disk_->index().lookup_now(kRoot, "b")->id, a);
}

TEST_F(Names, LinksFilesButNeitherDirectoriesNorBlobs) {
  const InodeId file = disk_->make("file"), directory = disk_->make("directory", Kind::directory);
  const InodeId blob = disk_->make("blob", Kind::file, kBlobs);
  ASSERT_TRUE(disk_->run(disk_->index().link(file, kRoot, "again")));
  EXPECT_EQ((*disk_->index().inode_now(file))->links, 2u);
  for (const InodeId& id : {directory, blob})
    EXPECT_EQ(disk_->run(disk_->index().link(id, kRoot, "x")).error(), posix(std::errc::operation_not_permitted));
}

TEST_F(Names, SetChangesWhatItNamesAndNothingElse) {
  const InodeId id = disk_->make("a");
  Changes changes;
  changes.uid = 7;
  changes.xattrs["user.x"] = "y";
  ASSERT_TRUE(disk_->run(disk_->index().set(id, changes)));
  const InodePtr inode = *disk_->index().inode_now(id);
  EXPECT_EQ(inode->uid, 7u);
  EXPECT_EQ(inode->mode, 0644u);
  EXPECT_EQ(inode->xattrs.at("user.x"), "y");
}

// --- What survives ---------------------------------------------------------------------------------------------------

using Journalled = IndexTest;

TEST_F(Journalled, WhatReturnedIsThereAfterAKill) {
  auto disk = mount(options());
  disk->make("a");
  disk->make("b");
  ASSERT_TRUE(disk->run(disk->index().unlink(kRoot, "a")));
  disk.reset();
  disk = mount(options());
  EXPECT_THAT(disk->names(), ElementsAre("b"));
}

TEST_F(Journalled, ACommitIsAllThatAnotherMachineNeeds) {
  auto disk = mount(options());
  const InodeId directory = disk->make("d", Kind::directory);
  disk->make("a", Kind::file, directory);
  ASSERT_TRUE(disk->run(disk->index().commit()));
  disk.reset();
  auto other = mount(options("two"));
  EXPECT_THAT(other->names(), ElementsAre("d"));
  EXPECT_THAT(other->names(directory), ElementsAre("a"));
}

TEST_F(Journalled, WhatWasNotCommittedIsCommittedByTheNextMount) {
  auto disk = mount(options());
  disk->make("a");
  disk.reset();
  disk = mount(options());
  ASSERT_TRUE(disk->run(disk->index().close()));
  auto other = mount(options("two"));
  EXPECT_THAT(other->names(), ElementsAre("a"));
}

TEST_F(Journalled, CloseCommitsAndEndsChanges) {
  auto disk = mount(options());
  disk->make("a");
  ASSERT_TRUE(disk->run(disk->index().close()));
  EXPECT_EQ(disk->run(disk->index().make(kRoot, "b", {})).error(), Errc::stopping);
  auto other = mount(options("two"));
  EXPECT_THAT(other->names(), ElementsAre("a"));
}

TEST_F(Journalled, ACommitThatFailsSaysSoAndTheNextOneSendsAll) {
  auto disk = mount(options());
  disk->make("a");
  store_->set_plan([](MemoryStore::Verb verb, std::string) -> asio::awaitable<MemoryStore::Fate> {
    co_return verb == MemoryStore::Verb::store ? MemoryStore::Fate::failed : MemoryStore::Fate::done;
  });
  EXPECT_EQ(disk->run(disk->index().commit()).error().code, Errc::offline);
  EXPECT_FALSE(disk->index().status().last_error.empty());
  store_->set_plan({});
  disk->make("b");
  ASSERT_TRUE(disk->run(disk->index().commit()));
  EXPECT_EQ(disk->index().status().uncommitted, 0u);
  auto other = mount(options("two"));
  EXPECT_THAT(other->names(), ElementsAre("a", "b"));
}

TEST_F(Journalled, ALostAnswerOfAHeadIsNoReasonForAnotherWriter) {
  auto disk = mount(options());
  disk->make("a");
  store_->set_plan([](MemoryStore::Verb verb, std::string) -> asio::awaitable<MemoryStore::Fate> {
    co_return verb == MemoryStore::Verb::store ? MemoryStore::Fate::unanswered : MemoryStore::Fate::done;
  });
  EXPECT_FALSE(disk->run(disk->index().commit()));
  store_->set_plan({});
  const WriterId writer = disk->index().status().writer;
  disk.reset();
  disk = mount(options());
  EXPECT_EQ(disk->index().status().writer, writer);
  EXPECT_THAT(disk->names(), ElementsAre("a"));
}

TEST_F(Journalled, NothingIsStoredWhereNothingChanged) {
  auto disk = mount(options());
  disk->make("a");
  ASSERT_TRUE(disk->run(disk->index().close()));
  const MemoryStore::Blobs before = store_->blobs();
  disk = mount(options());
  EXPECT_THAT(disk->names(), ElementsAre("a"));
  ASSERT_TRUE(disk->run(disk->index().close()));
  EXPECT_EQ(store_->blobs(), before);
}

TEST_F(Journalled, ManySmallCommitsMakeFewPieces) {
  auto disk = mount(options());
  for (int i = 0; i < 100; ++i) {
    disk->make(std::to_string(i));
    ASSERT_TRUE(disk->run(disk->index().commit()));
  }
  int pieces = 0;
  store_->set_plan([&](MemoryStore::Verb verb, std::string key) -> asio::awaitable<MemoryStore::Fate> {
    if (verb == MemoryStore::Verb::fetch && key.starts_with(".spotfs/c/")) ++pieces;
    co_return MemoryStore::Fate::done;
  });
  auto other = mount(options("two"));
  EXPECT_EQ(other->names().size(), 100u);
  EXPECT_LE(pieces, 20);
}

TEST_F(Journalled, SeveralThreadsChangeOneDiskWhileItCommits) {
  constexpr int kThreads = 4, kRounds = 200;
  asio::io_context context;
  auto work = asio::make_work_guard(context);
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back([&] { context.run(); });
  IndexOptions with = options();
  with.commit = std::chrono::milliseconds{1};
  const std::shared_ptr<Index> index =
      asio::co_spawn(context, Index::open(context.get_executor(), with), asio::use_future).get().value();
  const auto worker = [&](int number) -> asio::awaitable<void> {
    for (int i = 0; i < kRounds; ++i) {
      const std::string name = std::to_string(number) + "-" + std::to_string(i), shared = std::to_string(i % 7);
      NewInode inode;
      EXPECT_TRUE(co_await index->make(kRoot, name, inode));
      static_cast<void>(co_await index->make(kRoot, shared, inode));
      static_cast<void>(co_await index->unlink(kRoot, shared));
      if (i % 2) {
        const Result<Entry> gone = co_await index->unlink(kRoot, name);
        EXPECT_TRUE(gone) << gone.error().message();
      }
      static_cast<void>(index->lookup_now(kRoot, shared));
      if (i % 50 == 0) {
        EXPECT_TRUE(co_await index->commit());
      }
    }
  };
  std::vector<std::future<void>> done;
  for (int i = 0; i < kThreads; ++i) done.push_back(asio::co_spawn(context, worker(i), asio::use_future));
  for (std::future<void>& future : done) future.get();
  ASSERT_TRUE(asio::co_spawn(context, index->close(), asio::use_future).get());
  work.reset();
  for (std::thread& thread : threads) thread.join();
  auto other = mount(options("two"));
  std::vector<std::string> names = other->names();
  std::erase_if(names, [](const std::string& name) { return name.find('-') == name.npos; });
  EXPECT_EQ(names.size(), std::size_t{kThreads * kRounds / 2});
}

// --- blobs/ ----------------------------------------------------------------------------------------------------------

TEST_F(Names, NothingAfterAReservationIsCommittedWhileItIsHeld) {
  const InodeId blob = disk_->make("blob", Kind::file, kBlobs);
  ASSERT_TRUE(disk_->run(disk_->index().commit()));
  std::unique_ptr<Index::Reservation> held = disk_->index().reserve();
  const Stamp stamp = held->stamp();
  disk_->make("later");
  auto committed = asio::co_spawn(disk_->context(), disk_->index().commit(), asio::use_future);
  disk_->context().restart();
  disk_->context().poll();
  EXPECT_EQ(committed.wait_for(std::chrono::seconds{0}), std::future_status::timeout);
  EXPECT_GT(disk_->index().status().uncommitted, 0u);
  const Result<Stamp> written = disk_->run(
      disk_->index().write_reserved(std::move(held), blob, std::nullopt, Reference::of_value(5), Time{1, 0}, 0));
  ASSERT_TRUE(written);
  EXPECT_EQ(*written, stamp);
  EXPECT_EQ((*disk_->index().inode_now(blob))->version, stamp);
  EXPECT_TRUE(spot::fake::run_on(disk_->context(), std::move(committed)));
  EXPECT_EQ(disk_->index().status().uncommitted, 0u);
}

TEST_F(Names, AReservationThatIsDroppedLeavesNothing) {
  disk_->index().reserve();
  disk_->make("a");
  EXPECT_TRUE(disk_->run(disk_->index().commit()));
  EXPECT_THAT(disk_->names(), ElementsAre("a"));
}

}  // namespace

}  // namespace spotfs
