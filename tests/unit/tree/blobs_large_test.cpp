// Contents beyond the inline limit: the value is a reference to chunks.
#include <random>

#include "tests/unit/tree/blobs_fixture.hpp"

namespace spotfs::tree {
namespace {

using testing::ElementsAre;

constexpr std::size_t kLimit = 45'056;

std::string pattern(std::size_t size, unsigned seed = 1) {
  std::mt19937 random{seed};
  std::string out(size, '\0');
  for (char& byte : out) byte = static_cast<char>(random());
  return out;
}

class BlobsLargeTest : public BlobsTest {
 protected:
  void TearDown() override { unmount(); }  // while the plan has something to count with

  std::shared_ptr<OpenFile> opened(const std::string& name, int flags) {
    return open(node(root_, name), flags).value();
  }
  void truncate(const std::string& name, std::uint64_t size) {
    AttributeChanges changes;
    changes.size = size;
    EXPECT_EQ(errno_of(run(node(root_, name)->set_attributes(user(), changes, nullptr))), 0);
  }
  std::string whole(const std::string& name) {
    const Result<std::string> content = text(root_, name);
    return content ? *content : "(" + content.error().message() + ")";
  }
  // Stores of chunks and indexes from now on; they get that fate.
  void watch_contents(Fate fate = Fate::done) {
    stores_ = 0;
    store_->set_plan([this, fate](Verb verb, std::string key) -> asio::awaitable<Fate> {
      if (verb != Verb::store || !key.starts_with(".spotfs/c/")) co_return Fate::done;
      ++stores_;
      co_return fate;
    });
  }

  int stores_ = 0;
};

TEST_F(BlobsLargeTest, LimitIsWhatFitsInAValue) {
  mount();
  EXPECT_EQ(put(root_, "full", pattern(kLimit)), 0);
  EXPECT_EQ(put(root_, "more", pattern(kLimit + 1)), 0);
  EXPECT_FALSE(stored("full").value().reference);
  EXPECT_EQ(stored_text("full"), pattern(kLimit));
  EXPECT_EQ(stored("more").value().reference->size, kLimit + 1);
  EXPECT_EQ(contents(), 3u);  // an index and two chunks
}

TEST_F(BlobsLargeTest, OtherClientsSeeAnEmptyBlob) {
  mount();
  put(root_, "a", pattern(100'000));
  std::vector<spot::PublicKey> signers{keys_->self().public_key()};
  const spot::Sealed value = spot::open_sealed(bottle("a"), *keys_, signers).value();
  EXPECT_TRUE(value.payload.empty());
  EXPECT_EQ(value.header.text("ct"), "spotfs/ref");
}

TEST_F(BlobsLargeTest, ContentIsReadBackAfterARemount) {
  mount();
  put(root_, "a", pattern(300'000));
  remount();
  EXPECT_EQ(whole("a"), pattern(300'000));
}

TEST_F(BlobsLargeTest, SizeIsTheReferences) {
  mount();
  put(root_, "a", pattern(300'000));
  remount();
  watch("a");
  EXPECT_EQ(stat(node(root_, "a")).size, 300'000u);
  EXPECT_EQ(calls(Verb::fetch), 0u);
  EXPECT_EQ(index_->lookup_now(kBlobs, "a").value().inode->version, stored("a").value().version);
}

TEST_F(BlobsLargeTest, ContentOfAnotherMountIsFound) {
  mount();
  put(root_, "a", pattern(100'000));
  const Reference reference = *stored("a").value().reference;
  Value theirs{std::make_shared<const Bytes>(), index_->draw(), reference};
  put_bottle("new", ValueSealer{keys_, index_->store_id()}.seal("new", theirs).value());
  EXPECT_EQ(stat(node(root_, "new")).size, 100'000u);
  EXPECT_EQ(whole("new"), pattern(100'000));
}

TEST_F(BlobsLargeTest, GrowsAcrossTheLimitAndShrinksBelowIt) {
  mount();
  put(root_, "a", pattern(kLimit));
  const auto file = opened("a", O_RDWR);
  write(*file, kLimit, "more");
  EXPECT_EQ(errno_of(flush(*file)), 0);
  EXPECT_EQ(stored("a").value().size(), kLimit + 4);
  EXPECT_EQ(read(*file).value(), pattern(kLimit) + "more");
  AttributeChanges changes;
  changes.size = 10;
  run(node(root_, "a")->set_attributes(user(), changes, file));
  EXPECT_EQ(errno_of(flush(*file)), 0);
  EXPECT_EQ(stored_text("a"), pattern(kLimit).substr(0, 10));
  EXPECT_EQ(read(*file).value(), pattern(kLimit).substr(0, 10));
  release(*file);
}

TEST_F(BlobsLargeTest, SmallWriteStoresOneChunkAndItsIndex) {
  mount();
  put(root_, "a", pattern(10 * kLimit));
  remount();
  const auto file = opened("a", O_RDWR);
  watch_contents();
  write(*file, 5 * kLimit + 7, "x");
  EXPECT_EQ(errno_of(flush(*file)), 0);
  EXPECT_EQ(stores_, 2);
  std::string after = pattern(10 * kLimit);
  after[5 * kLimit + 7] = 'x';
  EXPECT_EQ(whole("a"), after);
}

TEST_F(BlobsLargeTest, TruncationToALargeSizeIsAHole) {
  mount();
  put(root_, "a", "x");
  truncate("a", 1'000'000'000);
  EXPECT_EQ(stored("a").value().size(), 1'000'000'000u);
  EXPECT_EQ(contents(), 3u);  // a chunk, and two indexes above it
  const auto file = opened("a", O_RDONLY);
  const Content end = run(file->read(user(), 999'999'990, 20)).value();
  EXPECT_EQ(spot::to_bytes(end.bytes()), Bytes(10));
}

TEST_F(BlobsLargeTest, MemoryOfAWriterIsBounded) {
  options_.dirty = std::make_shared<DirtyContent>(200'000);
  mount();
  const auto created = run(root_->create(user(), "a", 0644, O_RDWR)).value();
  const std::string all = pattern(3'000'000);
  std::mt19937 random{7};
  std::vector<std::size_t> order(30);
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i * 100'000;
  std::ranges::shuffle(order, random);
  for (const std::size_t at : order) {
    EXPECT_EQ(errno_of(write(*created.opened.file, at, all.substr(at, 100'000))), 0);
    EXPECT_LE(options_.dirty->total(), 300'000u);
  }
  EXPECT_EQ(errno_of(flush(*created.opened.file)), 0);
  EXPECT_EQ(options_.dirty->total(), 0u);
  const auto file = opened("a", O_RDONLY);
  for (std::size_t at = 0; at < all.size(); at += 1'000'000)
    EXPECT_EQ(spot::to_string(run(file->read(user(), at, 1'000'000))->bytes()), all.substr(at, 1'000'000));
}

TEST_F(BlobsLargeTest, LastReleaseDropsWhatCouldNotBeStored) {
  mount();
  put(root_, "a", pattern(100'000));
  const auto file = opened("a", O_RDWR);
  watch_contents(Fate::failed);
  write(*file, 50'000, "new");
  EXPECT_EQ(errno_of(flush(*file)), ENETDOWN);
  release(*file);
  store_->set_plan({});
  EXPECT_EQ(whole("a"), pattern(100'000));
  EXPECT_TRUE(logged("blobs/a: not stored"));
}

TEST_F(BlobsLargeTest, ChunkThatIsNotWhatWasStoredIsNotRead) {
  mount();
  put(root_, "a", pattern(100'000));
  const Reference reference = *stored("a").value().reference;
  remount();
  Bytes damaged = bottle(content_key(*reference.id));
  damaged.back() ^= 1;
  put_bottle(content_key(*reference.id), damaged);
  EXPECT_EQ(errno_of(text(root_, "a")), EBADMSG);
}

TEST_F(BlobsLargeTest, UnlinkedFileThatIsOpenGoesOn) {
  mount();
  put(root_, "a", pattern(100'000));
  const auto file = opened("a", O_RDWR);
  EXPECT_EQ(unlink(root_, "a"), 0);
  contents();
  write(*file, 0, "Y");
  EXPECT_EQ(read(*file).value(), "Y" + pattern(100'000).substr(1));
  EXPECT_EQ(errno_of(flush(*file)), 0);
  release(*file);
  EXPECT_FALSE(is_stored("a"));
}

TEST_F(BlobsLargeTest, LongPlainValueOfAnotherClientMayBeChanged) {
  mount();
  put_plain("a", pattern(47'000));
  EXPECT_EQ(whole("a"), pattern(47'000));
  const auto file = opened("a", O_RDWR);
  write(*file, 46'000, "new");
  EXPECT_EQ(errno_of(flush(*file)), 0);
  release(*file);
  remount();
  EXPECT_EQ(whole("a"), pattern(47'000).replace(46'000, 3, "new"));
}

TEST_F(BlobsLargeTest, ManyKeysMakeTheLimitLower) {
  std::vector<spot::PrivateKey> keys;
  for (int i = 0; i < 16; ++i) keys.push_back(spot::PrivateKey::generate(spot::KeyType::p256).value());
  keys_ = std::make_shared<const spot::Keychain>(spot::Keychain::of(std::move(keys)).value());
  mount();
  // Signatures differ by some bytes.
  const std::size_t limit = ValueSealer{keys_, index_->store_id()}.limit();
  put(root_, "full", pattern(limit - 8));
  put(root_, "more", pattern(limit + 8));
  EXPECT_FALSE(stored("full").value().reference);
  EXPECT_EQ(stored("more").value().reference->level, 0);
  remount();
  EXPECT_EQ(whole("full"), pattern(limit - 8));
  EXPECT_EQ(whole("more"), pattern(limit + 8));
  truncate("more", 7);
  EXPECT_EQ(stored_text("more"), pattern(7));
  EXPECT_EQ(contents(), 0u);
}

// --- Renames ---------------------------------------------------------------------------------------------------------

TEST_F(BlobsLargeTest, RenameCopiesNothing) {
  mount();
  put(root_, "a", pattern(300'000));
  watch_contents();
  EXPECT_EQ(rename(root_, "a", root_, "b"), 0);
  EXPECT_EQ(stores_, 0);
  EXPECT_FALSE(is_stored("a"));
  EXPECT_EQ(contents(), 8u);
  remount();
  EXPECT_THAT(names(root_), ElementsAre("b"));
  EXPECT_EQ(whole("b"), pattern(300'000));
}

TEST_F(BlobsLargeTest, RenameTakesWhatIsNotStoredYetWithIt) {
  mount();
  put(root_, "a", pattern(100'000));
  const auto file = opened("a", O_RDWR);
  write(*file, 0, "one");
  EXPECT_EQ(rename(root_, "a", root_, "b"), 0);
  write(*file, 3, "two");
  EXPECT_EQ(errno_of(flush(*file)), 0);
  release(*file);
  remount();
  EXPECT_EQ(whole("b"), pattern(100'000).replace(0, 6, "onetwo"));
}

TEST_F(BlobsLargeTest, RenameKeepsTheTimeOfTheContent) {
  mount();
  put(root_, "a", pattern(100'000));
  const Time before = stat(node(root_, "a")).mtime;
  clock_.pass(std::chrono::hours{1});
  rename(root_, "a", root_, "b");
  EXPECT_EQ(stat(node(root_, "b")).mtime, before);
}

TEST_F(BlobsLargeTest, RenameThatWasCutOffMayBeRepeated) {
  mount();
  put(root_, "a", pattern(100'000));
  watch("a", Verb::erase);
  EXPECT_EQ(rename(root_, "a", root_, "b"), ENETDOWN);
  store_->set_plan({});
  remount();
  EXPECT_EQ(whole("b"), pattern(100'000));
  EXPECT_EQ(rename(root_, "a", root_, "b"), 0);
  contents();
  remount();
  EXPECT_EQ(whole("b"), pattern(100'000));
}

TEST_F(BlobsLargeTest, WhatARenameThatWasCutOffHasLeftOutlivesTheOldName) {
  mount();
  put(root_, "a", pattern(100'000));
  watch("a", Verb::erase);
  EXPECT_EQ(rename(root_, "a", root_, "b"), ENETDOWN);
  store_->set_plan({});
  truncate("a", 50'000);
  EXPECT_EQ(unlink(root_, "a"), 0);
  contents();
  remount();
  EXPECT_EQ(whole("b"), pattern(100'000));
}

// --- Space -----------------------------------------------------------------------------------------------------------

TEST_F(BlobsLargeTest, SpaceIsGivenBackWhenAFileIsRemoved) {
  mount();
  put(root_, "a", pattern(300'000));
  EXPECT_EQ(contents(), 8u);
  EXPECT_EQ(unlink(root_, "a"), 0);
  EXPECT_EQ(contents(), 0u);
}

TEST_F(BlobsLargeTest, SpaceIsGivenBackWhenAContentIsReplaced) {
  mount();
  put(root_, "a", pattern(300'000));
  const auto file = opened("a", O_WRONLY | O_TRUNC);
  write(*file, 0, "small");
  EXPECT_EQ(errno_of(flush(*file)), 0);
  release(*file);
  EXPECT_EQ(whole("a"), "small");
  contents();
  remount();
  EXPECT_EQ(contents(), 0u);
}

TEST_F(BlobsLargeTest, SpaceIsGivenBackWhenANameIsTakenByAnother) {
  mount();
  put(root_, "a", "new");
  put(root_, "b", pattern(300'000));
  EXPECT_EQ(rename(root_, "a", root_, "b"), 0);
  EXPECT_EQ(contents(), 0u);
}

TEST_F(BlobsLargeTest, SpaceIsGivenBackWhenAWriterGivesUp) {
  mount();
  watch_contents();
  auto created = run(root_->create(user(), "a", 0644, O_RDWR)).value();
  write(*created.opened.file, 0, pattern(200'000));
  settle();
  EXPECT_GT(stores_, 0);
  EXPECT_EQ(unlink(root_, "a"), 0);
  release(*created.opened.file);
  created.opened.file.reset();
  EXPECT_EQ(contents(), 0u);
}

}  // namespace
}  // namespace spotfs::tree
