// A mount with copies of what the store has: what the store loses, or a store that goes back in time.
#include <gmock/gmock.h>

#include "client/base/encoding.hpp"
#include "fs/index/keys.hpp"
#include "tests/unit/index/index_fixture.hpp"

namespace spotfs {

namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// Keeps a copy of each content that passes, and gives it without asking.
class Copies final : public BlobStore {
 public:
  explicit Copies(std::shared_ptr<BlobStore> store) : store_{std::move(store)} {}

  asio::awaitable<Answer<Bytes>> fetch(std::string key) override {
    if (const auto copy = copies_.find(key); copy != copies_.end()) co_return copy->second;
    Answer<Bytes> bottle = co_await store_->fetch(key);
    if (bottle && is_content_key(key)) copies_[key] = *bottle;
    co_return bottle;
  }
  asio::awaitable<Answer<void>> store(std::string key, Bytes bottle) override {
    if (is_content_key(key)) copies_[key] = bottle;
    co_return co_await store_->store(std::move(key), std::move(bottle));
  }
  asio::awaitable<Answer<void>> erase(std::string key) override {
    copies_.erase(key);
    co_return co_await store_->erase(std::move(key));
  }
  asio::awaitable<Answer<std::vector<Bytes>>> sync() override { return store_->sync(); }

 private:
  const std::shared_ptr<BlobStore> store_;
  std::map<std::string, Bytes> copies_;
};

class Mending : public IndexTest {
 protected:
  Mending() {
    auto maker = mount(options("maker"));  // nobody needs to wait for its id
    EXPECT_TRUE(maker->run(maker->index().close()));
  }
  void open() {
    IndexOptions with = shared_options();
    copies_ = std::make_shared<Copies>(store_);
    with.store = copies_;
    with.origin = store_;
    with.clock = &clock_;
    with.snapshot_after = 3;
    one_ = mount(std::move(with));
  }
  Answer<void> commit() { return one_->run(one_->index().commit()); }
  Answer<void> refresh() { return one_->run(one_->index().refresh()); }
  std::vector<LogFault> check() { return one_->run(one_->index().check_logs()).value(); }
  // A file of one chunk.
  void write(const std::string& name) {
    const auto id = spot::random_array<16>();
    const Bytes plaintext(10'000, 7);
    Bytes bottle = one_->index().cipher().seal(ContentKind::data, id, plaintext).value();
    ASSERT_TRUE(one_->run(copies_->store(content_key(id), std::move(bottle))));
    const InodeId inode = one_->make(name);
    ASSERT_TRUE(one_->run(one_->index().write(inode, {}, Reference{plaintext.size(), 0, id}, {}, 0)));
  }
  void commit_a() {
    open();
    one_->make("a");
    ASSERT_TRUE(commit());
  }
  void commit_a_and_b() {
    commit_a();
    before_b_ = store_->blobs();
    write("b");
    ASSERT_TRUE(commit());
  }
  // Contents that the store had then, and has not got now.
  std::vector<std::string> missing(const MemoryStore::Blobs& then) {
    const MemoryStore::Blobs now = store_->blobs();
    std::vector<std::string> out;
    for (const auto& [key, bottle] : then) {
      if (is_content_key(key) && !now.contains(key)) out.push_back(key);
    }
    return out;
  }
  void lose_contents() {
    MemoryStore::Blobs blobs = store_->blobs();
    std::erase_if(blobs, [](const auto& blob) { return is_content_key(blob.first); });
    store_->set_blobs(std::move(blobs));
  }

  void make_snapshot() {
    if (!one_) open();
    for (const char* const name : {"a", "b", "c"}) one_->make(name);
    for (const auto time : {61s, 31s}) {
      ASSERT_TRUE(commit());
      clock_.now += time;
      ASSERT_TRUE(commit());
      for (int i = 0; i < 2'000; ++i) one_->context().poll();
    }
    ASSERT_TRUE(commit());
    ASSERT_EQ(one_->index().status().snapshot, 1U);
  }

  SetClock clock_;
  std::shared_ptr<Copies> copies_;
  std::unique_ptr<IndexMount> one_;
  MemoryStore::Blobs before_b_;
};

TEST_F(Mending, ALogThatTheStoreHasLostIsStoredAgainFromACopy) {
  commit_a();
  const MemoryStore::Blobs before = store_->blobs();
  lose_contents();
  const std::vector<LogFault> faults = check();
  EXPECT_THAT(faults, AllOf(Not(IsEmpty()), Each(Field(&LogFault::is_restored, true))));
  ASSERT_TRUE(commit());
  EXPECT_THAT(missing(before), IsEmpty());
  EXPECT_THAT(check(), IsEmpty());
  EXPECT_THAT(mount(shared_options("fresh"))->names(), ElementsAre("a"));
}

TEST_F(Mending, TheLogOfAnotherIsStoredAgainFromACopy) {
  auto two = mount(shared_options("two"));
  two->make("b");
  ASSERT_TRUE(two->run(two->index().commit()));
  two.reset();
  open();
  EXPECT_THAT(one_->names(), ElementsAre("b"));
  lose_contents();
  EXPECT_THAT(check(), AllOf(Not(IsEmpty()), Each(Field(&LogFault::is_restored, true))));
  EXPECT_THAT(mount(shared_options("fresh"))->names(), ElementsAre("b"));
}

TEST_F(Mending, ASnapshotThatTheStoreHasLostIsStoredAgainFromACopy) {
  make_snapshot();
  const MemoryStore::Blobs before = store_->blobs();
  lose_contents();
  const std::vector<LogFault> faults = check();
  EXPECT_THAT(faults, Contains(Field(&LogFault::writer, std::nullopt)));
  EXPECT_THAT(faults, Each(Field(&LogFault::is_restored, true)));
  EXPECT_THAT(missing(before), IsEmpty());
  EXPECT_THAT(mount(shared_options("fresh"))->names(), ElementsAre("a", "b", "c"));
}

TEST_F(Mending, ASnapshotThatCameAfterAnOlderHeadOfOursIsStoredAgain) {
  open();
  ASSERT_TRUE(commit());
  const MemoryStore::Blobs older = store_->blobs();
  make_snapshot();
  store_->set_blobs(older);
  ASSERT_TRUE(refresh());
  ASSERT_TRUE(commit());
  EXPECT_THAT(mount(shared_options("fresh"))->names(), ElementsAre("a", "b", "c"));
}

TEST_F(Mending, WhatCameAfterAnOlderHeadOfOursIsStoredAgain) {
  commit_a_and_b();
  const MemoryStore::Blobs newer = store_->blobs();
  store_->set_blobs(before_b_);
  ASSERT_TRUE(refresh());
  EXPECT_TRUE(was_told("the store shows an older head of this mount"));
  ASSERT_TRUE(commit());
  EXPECT_THAT(missing(newer), IsEmpty());
  EXPECT_EQ(one_->index().status().uncommitted, 0U);
  EXPECT_THAT(mount(shared_options("fresh"))->names(), ElementsAre("a", "b"));
}

TEST_F(Mending, WhatCameAfterAnOlderHeadIsStoredAgainByTheNextMount) {
  commit_a_and_b();
  one_.reset();
  store_->set_blobs(before_b_);
  // Its copies are gone: the log is in the journal.
  one_ = mount(shared_options());
  ASSERT_TRUE(commit());
  EXPECT_THAT(mount(shared_options("fresh"))->names(), ElementsAre("a", "b"));
}

TEST_F(Mending, AHeadIsNotStoredBeforeWhatItNamesIsKnownToBeThere) {
  commit_a_and_b();
  store_->set_blobs(before_b_);
  const std::string head = head_key(one_->index().status().writer);
  store_->set_plan([](MemoryStore::Verb verb, std::string key) -> asio::awaitable<MemoryStore::Fate> {
    const bool fails = verb == MemoryStore::Verb::fetch && is_content_key(key);
    co_return fails ? MemoryStore::Fate::failed : MemoryStore::Fate::done;
  });
  ASSERT_TRUE(refresh());
  EXPECT_FALSE(commit());
  EXPECT_EQ(store_->blobs().at(head), before_b_.at(head));
  EXPECT_NE(one_->index().status().uncommitted, 0U) << "all is stored, it would say";
  store_->set_plan({});
  ASSERT_TRUE(commit());
  EXPECT_NE(store_->blobs().at(head), before_b_.at(head));
}

// --- A log that is lost ----------------------------------------------------------------------------------------------

class LostLog : public Mending {
 protected:
  // Of what the first mount has done, the store has the heads alone.
  void lose_log() {
    open();
    one_->make("a");
    ASSERT_TRUE(commit());
    lose_contents();
  }
  static bool is_log_lost(IndexMount& of) {
    return std::ranges::any_of(of.index().status().others, &WriterStatus::log_lost);
  }
};

TEST_F(LostLog, IsNotShownAsAnEmptyDisk) {
  lose_log();
  IndexMount fresh;
  const Answer<void> opened = fresh.open(shared_options("fresh"));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::rollback);
  EXPECT_THAT(opened.error().text, HasSubstr("log is lost"));
}

TEST_F(LostLog, IsGoneWithoutWhereAPersonSaysSo) {
  lose_log();
  IndexOptions with = shared_options("fresh");
  with.accept_store = true;
  auto fresh = mount(std::move(with));
  EXPECT_THAT(fresh->names(), IsEmpty());
  EXPECT_TRUE(is_log_lost(*fresh));
}

TEST_F(LostLog, OfOneWriterIsToldAndDoesNotHideWhatOthersDid) {
  open();
  ASSERT_TRUE(commit());  // which registers it
  const MemoryStore::Blobs before = store_->blobs();
  one_->make("a");
  ASSERT_TRUE(commit());
  const MemoryStore::Blobs whole = store_->blobs();
  // Another one, that has not seen it.
  store_->set_blobs(before);
  auto two = mount(shared_options("two"));
  two->make("b");
  ASSERT_TRUE(two->run(two->index().commit()));
  MemoryStore::Blobs blobs = store_->blobs();
  const std::string head = head_key(one_->index().status().writer);
  blobs[head] = whole.at(head);
  store_->set_blobs(blobs);
  auto fresh = mount(shared_options("fresh"));
  EXPECT_THAT(fresh->names(), ElementsAre("b"));
  EXPECT_TRUE(is_log_lost(*fresh));
  EXPECT_TRUE(was_told("the log of writer " + spot::base64url(one_->index().status().writer)));

  blobs = store_->blobs();
  blobs.insert(whole.begin(), whole.end());
  store_->set_blobs(blobs);
  ASSERT_TRUE(fresh->run(fresh->index().refresh()));
  EXPECT_THAT(fresh->names(), ElementsAre("a", "b"));
  EXPECT_FALSE(is_log_lost(*fresh));
}

}  // namespace

}  // namespace spotfs
