// What is in the trash goes once nobody names it: when, and what keeps it.
#include <gmock/gmock.h>

#include "client/base/encoding.hpp"
#include "fs/content/content_store.hpp"
#include "tests/unit/index/bad_line.hpp"
#include "tests/unit/index/index_fixture.hpp"
#include "tests/unit/index/only_woken.hpp"

namespace spotfs {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using namespace std::chrono_literals;

class Sweeping : public IndexTest {
 protected:
  // The store is made by a mount that needs not wait for others; "one" goes on as the same writer.
  void SetUp() override {
    IndexOptions with = options("one");
    with.clock = &clock_;
    auto maker = mount(std::move(with));
    ASSERT_TRUE(maker->run(maker->index().close()));
  }
  std::unique_ptr<IndexMount> shared(const std::string& machine) {
    IndexOptions with = shared_options(machine);
    with.clock = &clock_;
    with.alarm = [](const asio::any_io_executor& executor) { return std::make_shared<OnlyWoken>(executor); };
    return mount(std::move(with));
  }
  // Nobody else can know of the store.
  std::unique_ptr<IndexMount> alone() {
    IndexOptions with = options("one");
    with.clock = &clock_;
    return mount(std::move(with));
  }
  void commit(IndexMount& mount) {
    ASSERT_TRUE(mount.run(mount.index().commit()));
    for (int i = 0; i < 2'000; ++i) mount.context().poll();
  }
  // A mount does what is due after some time.
  void pass(IndexMount& mount, std::chrono::nanoseconds time) {
    for (const std::chrono::nanoseconds part : {time, std::chrono::nanoseconds{31s}}) {
      clock_.now += part;
      ASSERT_TRUE(mount.run(mount.index().refresh()));
      const Answer<void> committed = mount.run(mount.index().commit());
      ASSERT_TRUE(committed) << committed.error().text;
      for (int i = 0; i < 2'000; ++i) mount.context().poll();
    }
  }
  // Days in which each does what is due.
  void pass_days(std::initializer_list<IndexMount*> mounts, int days) {
    for (int day = 0; day < days; ++day) {
      for (IndexMount* const mount : mounts) pass(*mount, 25h / mounts.size());
    }
  }

  BlobId put(IndexMount& mount, ContentKind kind, const Bytes& plaintext) {
    const BlobId id = spot::random_array<16>();
    Bytes bottle = mount.index().cipher().seal(kind, id, plaintext).value();
    EXPECT_TRUE(mount.run(store_->store(content_key(id), std::move(bottle))));
    return id;
  }
  Reference small(IndexMount& mount) { return Reference{3, 0, put(mount, ContentKind::data, {1, 2, 3})}; }
  // Of these chunks, which are whole ones.
  Reference large(IndexMount& mount, const std::vector<BlobId>& chunks) {
    Bytes ids;
    for (const BlobId& chunk : chunks) ids.insert(ids.end(), chunk.begin(), chunk.end());
    return Reference{chunks.size() * kChunkSize, 1, put(mount, ContentKind::index, ids)};
  }
  BlobId chunk(IndexMount& mount) { return put(mount, ContentKind::data, Bytes(kChunkSize, 7)); }

  InodeId make(IndexMount& mount, const std::string& name, const Reference& content, std::uint64_t flags = 0) {
    NewInode inode;
    inode.mode = 0644;
    inode.version = mount.index().draw();
    inode.reference = content;
    inode.flags = flags;
    return mount.run(mount.index().make(kRoot, name, inode)).value().id;
  }
  void write(IndexMount& mount, const InodeId& inode, const Reference& content, std::uint64_t flags = 0) {
    const Version base = mount.run(mount.index().inode(inode)).value()->version;
    ASSERT_TRUE(mount.run(mount.index().write(inode, base, content, Time{}, flags)));
  }
  void remove(IndexMount& mount, const std::string& name) { ASSERT_TRUE(mount.run(mount.index().unlink(kRoot, name))); }
  bool has(const Reference& content) const { return store_->blobs().contains(content_key(*content.id)); }
  bool has(const BlobId& id) const { return store_->blobs().contains(content_key(id)); }

  SetClock clock_;
};

TEST_F(Sweeping, TheOnlyWriterDeletesAnHourAfterTheCommit) {
  auto one = shared("one");
  const Reference content = small(*one);
  make(*one, "a", content);
  pass(*one, 1s);
  remove(*one, "a");
  pass(*one, 1s);
  pass(*one, 50min);
  EXPECT_TRUE(has(content));
  pass(*one, 20min);
  EXPECT_FALSE(has(content));
}

TEST_F(Sweeping, TheOnlyWriterKeepsWhatItIsAskedToHold) {
  auto one = shared("one");
  const Reference content = small(*one);
  std::shared_ptr<const void> hold = one->index().hold(make(*one, "a", content));
  pass(*one, 1s);
  remove(*one, "a");
  pass_days({one.get()}, 5);
  EXPECT_TRUE(has(content));
  hold.reset();
  pass(*one, 25h);
  EXPECT_FALSE(has(content));
}

TEST_F(Sweeping, InAStoreOfOurOwnOnlyWhatIsHeldWaits) {
  auto one = alone();
  Reference held = small(*one), other = small(*one);
  const InodeId held_file = make(*one, "held", held), other_file = make(*one, "other", other);
  std::shared_ptr<const void> hold = one->index().hold(held_file);
  std::vector<Reference> before;
  for (int round = 0; round < 3; ++round) {
    before.push_back(std::exchange(held, small(*one)));
    write(*one, held_file, held);
    const Reference replaced = std::exchange(other, small(*one));
    write(*one, other_file, other);
    commit(*one);
    EXPECT_FALSE(has(replaced)) << round;
  }
  for (const Reference& content : before) EXPECT_TRUE(has(content));
  hold.reset();
  commit(*one);
  for (const Reference& content : before) EXPECT_FALSE(has(content));
  EXPECT_TRUE(has(held));
  EXPECT_TRUE(has(other));
}

TEST_F(Sweeping, InAStoreOfOurOwnWhatIsCommittedAfterALaterChangeGoesToo) {
  auto one = alone();
  const Reference first = small(*one), second = small(*one);
  const InodeId late = make(*one, "late", first), early = make(*one, "early", second);
  commit(*one);
  auto reserved = one->index().reserve(), waiting = one->index().reserve();
  write(*one, late, small(*one));
  const Version base = one->run(one->index().inode(early)).value()->version;
  ASSERT_TRUE(one->run(one->index().write_reserved(std::move(reserved), early, base, small(*one), Time{}, 0)));
  auto committed = asio::co_spawn(one->context(), one->index().commit(), asio::use_future);
  one->context().restart();
  for (int i = 0; i < 2'000; ++i) one->context().poll();
  EXPECT_TRUE(has(first));
  EXPECT_FALSE(has(second));
  waiting.reset();
  EXPECT_TRUE(spot::fake::run_on(one->context(), std::move(committed)));
  commit(*one);
  EXPECT_FALSE(has(first));
}

TEST_F(Sweeping, WhereTwoWriteItIsDeletedOnceNoLogAndNoSnapshotNamesIt) {
  auto one = shared("one"), two = shared("two");
  const Reference content = small(*one), kept = small(*one);
  make(*one, "a", content);
  make(*one, "kept", kept);
  pass(*one, 1s);
  pass(*two, 1s);
  remove(*two, "a");
  pass(*two, 1s);
  pass(*two, 2h);
  EXPECT_TRUE(has(content));
  pass_days({one.get(), two.get()}, 6);
  EXPECT_FALSE(has(content));
  EXPECT_TRUE(has(kept));
  EXPECT_EQ(two->index().status().trash, 0U);
  EXPECT_THAT(shared("fresh")->names(), ElementsAre("kept"));
}

TEST_F(Sweeping, ChunksThatAnotherFileSharesStay) {
  auto one = shared("one"), two = shared("two");
  const BlobId both = chunk(*one), only = chunk(*one);
  const Reference source = large(*one, {both, only});
  const InodeId inode = make(*one, "source", source, kSharedChunks);
  const Reference copy = large(*one, {both, chunk(*one)});
  make(*one, "copy", copy, kSharedChunks);
  pass(*one, 1s);
  pass(*two, 1s);
  write(*one, inode, small(*one), kSharedChunks);
  pass_days({one.get(), two.get()}, 6);
  EXPECT_TRUE(has(both));
  EXPECT_TRUE(has(copy));
  EXPECT_FALSE(has(only));
  EXPECT_FALSE(has(source));
}

TEST_F(Sweeping, TheOnlyWriterOfAnEmbeddedStoreSweepsWhatWasShared) {
  IndexOptions with = options();
  with.clock = &clock_;
  auto one = mount(std::move(with));
  const Reference content = small(*one);
  make(*one, "a", content, kSharedChunks);
  pass(*one, 1s);
  remove(*one, "a");
  pass(*one, 1s);
  pass(*one, 2h);
  EXPECT_TRUE(has(content));
  pass_days({one.get()}, 6);
  EXPECT_FALSE(has(content));
}

TEST_F(Sweeping, AContentThatAnotherWriterPutBackStays) {
  auto one = shared("one"), two = shared("two");
  const Reference content = small(*one);
  const InodeId inode = make(*one, "a", content);
  pass(*one, 1s);
  pass(*two, 1s);
  // Each replaces what it knows: one of them is in a conflict file then, and neither has removed the other's.
  write(*one, inode, small(*one));
  write(*two, inode, small(*two));
  pass_days({one.get(), two.get()}, 6);
  EXPECT_FALSE(has(content));
  const std::vector<std::string> names = one->names();
  EXPECT_EQ(names.size(), 2U);
  for (const std::string& name : names)
    EXPECT_TRUE(has(*one->run(one->index().lookup(kRoot, name)).value().inode->reference)) << name;
}

TEST_F(Sweeping, NothingGoesWhileAWriterCannotBeHeard) {
  auto one = shared("one"), two = shared("two");
  const Reference content = small(*one);
  make(*one, "a", content);
  pass(*one, 1s);
  pass(*two, 1s);
  remove(*one, "a");
  pass_days({one.get(), two.get()}, 2);
  const std::string hidden = ".spotfs/w/" + spot::base64url(two->index().status().writer);
  store_->set_plan([hidden](MemoryStore::Verb, std::string key) -> asio::awaitable<MemoryStore::Fate> {
    co_return key == hidden ? MemoryStore::Fate::failed : MemoryStore::Fate::done;
  });
  for (int day = 0; day < 6; ++day) {
    clock_.now += 25h;
    EXPECT_FALSE(one->run(one->index().sweep()));
    static_cast<void>(one->run(one->index().commit()));
    for (int i = 0; i < 2'000; ++i) one->context().poll();
  }
  EXPECT_TRUE(has(content));
  store_->set_plan({});
  pass_days({one.get(), two.get()}, 6);
  EXPECT_FALSE(has(content));
}

TEST_F(Sweeping, PiecesOfTheLogAndNodesOfSnapshotsGoToo) {
  auto one = shared("one"), two = shared("two");
  for (int day = 0; day < 12; ++day) {
    one->make("a");
    remove(*one, "a");
    pass_days({one.get(), two.get()}, 1);
  }
  const std::size_t after = store_->blobs().size();
  for (int day = 0; day < 12; ++day) {
    one->make("a");
    remove(*one, "a");
    pass_days({one.get(), two.get()}, 1);
  }
  EXPECT_LE(store_->blobs().size(), after + 4);
}

TEST_F(Sweeping, ASweepThatIsAskedForTellsWhatItDid) {
  auto one = shared("one"), two = shared("two");
  make(*one, "a", small(*one));
  pass(*one, 1s);
  remove(*one, "a");
  pass(*one, 1s);
  const Answer<Swept> young = one->run(one->index().sweep());
  ASSERT_TRUE(young);
  EXPECT_EQ(young->blobs, 0U);
  EXPECT_EQ(young->left, 1U);
}

TEST_F(Sweeping, AnIndexThatIsLostEndsItBeforeAnythingIsDeleted) {
  auto one = shared("one"), two = shared("two");
  const Reference content = small(*one), lost = large(*one, {chunk(*one), chunk(*one)});
  make(*one, "a", content);
  make(*one, "lost", lost);
  pass(*one, 1s);
  pass(*two, 1s);
  remove(*one, "a");
  MemoryStore::Blobs blobs = store_->blobs();
  blobs.erase(content_key(*lost.id));
  store_->set_blobs(std::move(blobs));
  pass_days({one.get(), two.get()}, 6);
  EXPECT_TRUE(has(content));
  EXPECT_NE(one->index().status().trash, 0U);
}

// --- What was made from what is gone ---------------------------------------------------------------------------------

class Late : public Sweeping {
 protected:
  // Two mounts that know a file; then one is alone for days, and writes to it a content that shares a chunk.
  void SetUp() override {
    Sweeping::SetUp();
    one_ = shared("one");
    IndexOptions with = shared_options("two");
    with.store = line_;
    with.clock = &clock_;
    with.alarm = [](const asio::any_io_executor& executor) { return std::make_shared<OnlyWoken>(executor); };
    two_ = mount(std::move(with));
    common_ = chunk(*one_);
    before_ = large(*one_, {common_, chunk(*one_)});
    inode_ = make(*one_, "a", before_, kSharedChunks);
    pass(*one_, 1s);
    pass(*two_, 1s);
    line_->set_quality(100, 0);
    after_ = large(*one_, {common_, chunk(*one_)});
    write(*two_, inode_, after_, kSharedChunks);
  }
  void hear_again() {
    line_->set_quality(0, 0);
    clock_.now += 1min;
    ASSERT_TRUE(two_->run(two_->index().refresh()));
    ASSERT_TRUE(two_->run(two_->index().commit()));
    pass(*one_, 1s);
  }
  std::optional<Reference> content_of(IndexMount& mount) {
    const Result<InodePtr> inode = mount.run(mount.index().inode(inode_));
    return inode ? (*inode)->reference : std::nullopt;
  }

  std::shared_ptr<BadLine> line_ = std::make_shared<BadLine>(store_);
  std::unique_ptr<IndexMount> one_, two_;
  BlobId common_{};
  Reference before_, after_;
  InodeId inode_;
};

TEST_F(Late, AContentWhoseChunksAreThereIsCommittedWithChunksOfItsOwn) {
  for (int day = 0; day < 2; ++day) pass(*one_, 12h);
  hear_again();
  const std::optional<Reference> committed = content_of(*one_);
  ASSERT_TRUE(committed);
  EXPECT_EQ(committed->size, after_.size);
  EXPECT_NE(committed->id, after_.id);
  EXPECT_NE(committed->id, before_.id);
  EXPECT_FALSE(was_told("dropped"));
}

TEST_F(Late, AContentWithAChunkThatIsGoneIsDroppedAndThatIsTold) {
  remove(*one_, "a");
  for (int day = 0; day < 8; ++day) pass(*one_, 25h);
  ASSERT_FALSE(has(common_));
  hear_again();
  EXPECT_TRUE(was_told("1 changes that were made here long ago"));
  EXPECT_EQ(content_of(*two_), std::nullopt);
  EXPECT_THAT(one_->names(), IsEmpty());
  EXPECT_THAT(two_->names(), IsEmpty());
}

TEST_F(Late, AKillBeforeTheOthersAreHeardAgainMakesNoDifference) {
  remove(*one_, "a");
  for (int day = 0; day < 8; ++day) pass(*one_, 25h);
  two_.reset();
  line_->set_quality(0, 0);
  two_ = shared("two");
  hear_again();
  EXPECT_TRUE(was_told("1 changes that were made here long ago"));
  EXPECT_THAT(one_->names(), IsEmpty());
}

}  // namespace
}  // namespace spotfs
