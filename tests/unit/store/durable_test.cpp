#include "fs/store/durable.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <gmock/gmock.h>

#include "fs/store/memory.hpp"
#include "tests/conformance/blob_store_suite.hpp"
#include "tests/fake/run_on.hpp"

namespace spotfs {

namespace {

using Fate = MemoryStore::Fate;
using Verb = MemoryStore::Verb;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kContent = ".spotfs/c/AAAAAAAAAAAAAAAAAAAAAA";
constexpr const char* kOtherContent = ".spotfs/c/AAAAAAAAAAAAAAAAAAAAAQ";
constexpr const char* kHead = ".spotfs/w/AAAAAAAAAAAAAAAAAAAAAA";

class DurableFixture {
 protected:
  DurableFixture() { start(1 << 20); }
  void start(std::size_t memory, std::size_t keys = 1'000) {
    DurableStore::Options settings;
    settings.store = memory_;
    settings.executor = context_.get_executor();
    settings.copy = [this](const std::string& key) -> std::optional<Bytes> {
      const auto at = copies_.find(key);
      return at == copies_.end() ? std::nullopt : std::optional{at->second};
    };
    settings.notice = [this](std::string line) { notices_.push_back(std::move(line)); };
    settings.memory = memory;
    settings.keys = keys;
    durable_ = DurableStore::make(std::move(settings));
    memory_->set_plan([this](Verb verb, std::string key) -> asio::awaitable<Fate> {
      asked_.emplace_back(verb, key);
      if (on_ask_) on_ask_(verb, key);
      co_return fate_;
    });
  }
  BlobStore& store() { return *durable_; }
  template <class T>
  T run(asio::awaitable<T> work) {
    return spot::fake::run_on(context_, std::move(work));
  }
  void settle() {
    context_.restart();
    context_.poll();
  }
  Answer<void> put(const std::string& key, std::string_view value) {
    return run(durable_->store(key, spot::to_bytes(value)));
  }
  Answer<std::vector<Bytes>> sync() { return run(durable_->sync()); }
  std::string value(const std::string& key) {
    const MemoryStore::Blobs blobs = memory_->blobs();
    const auto at = blobs.find(key);
    return at == blobs.end() ? "" : spot::to_string(at->second);
  }
  // The relay's machine fails: it comes back with what it had on its disk.
  void crash() { memory_->restart(on_disk_); }
  void keep_on_disk() { on_disk_ = memory_->blobs(); }
  std::size_t asked(Verb verb) {
    const auto is = [verb](const auto& one) { return one.first == verb; };
    return static_cast<std::size_t>(std::ranges::count_if(asked_, is));
  }

  asio::io_context context_{1};
  const std::shared_ptr<MemoryStore> memory_ = std::make_shared<MemoryStore>();
  std::shared_ptr<DurableStore> durable_;
  MemoryStore::Blobs on_disk_, copies_;
  Fate fate_ = Fate::done;
  std::function<void(Verb, const std::string&)> on_ask_;
  std::vector<std::pair<Verb, std::string>> asked_;
  std::vector<std::string> notices_;
};

INSTANTIATE_TYPED_TEST_SUITE_P(Durable, BlobStoreSuite, DurableFixture);

class DurableTest : public testing::Test, public DurableFixture {};

TEST_F(DurableTest, StoresAgainWhatAnotherRunHasLost) {
  ASSERT_TRUE(put(kContent, "kept"));
  keep_on_disk();
  ASSERT_TRUE(put(kOtherContent, "lost"));
  ASSERT_TRUE(put("a value", "lost too"));
  crash();
  ASSERT_TRUE(sync());
  EXPECT_EQ(value(kContent), "kept");
  EXPECT_EQ(value(kOtherContent), "lost");
  EXPECT_EQ(value("a value"), "lost too");
  EXPECT_THAT(notices_, ElementsAre(HasSubstr("stored again, 2 blobs")));
}

TEST_F(DurableTest, SyncsWhatItHasStoredAgain) {
  ASSERT_TRUE(put(kContent, "chunk"));
  crash();
  asked_.clear();
  ASSERT_TRUE(sync());
  ASSERT_FALSE(asked_.empty());
  EXPECT_EQ(asked_.back().first, Verb::sync);
  EXPECT_EQ(asked(Verb::store), 1U);
}

TEST_F(DurableTest, AsksForNothingWhereTheRunIsTheSame) {
  ASSERT_TRUE(put(kContent, "chunk"));
  asked_.clear();
  ASSERT_TRUE(sync());
  ASSERT_TRUE(put(kOtherContent, "chunk"));
  ASSERT_TRUE(sync());
  EXPECT_EQ(asked(Verb::fetch), 0U);
}

TEST_F(DurableTest, ForgetsWhatIsOnTheDisk) {
  ASSERT_TRUE(put(kContent, "chunk"));
  ASSERT_TRUE(sync());
  asked_.clear();
  memory_->restart({});
  ASSERT_TRUE(sync());
  EXPECT_EQ(asked(Verb::fetch), 0U);
}

TEST_F(DurableTest, AnOlderValueThatCameBackIsStoredOver) {
  ASSERT_TRUE(put(kHead, "one"));
  ASSERT_TRUE(sync());
  keep_on_disk();
  ASSERT_TRUE(put(kHead, "two"));
  crash();
  ASSERT_TRUE(sync());
  EXPECT_EQ(value(kHead), "two");
}

TEST_F(DurableTest, WhoTheWritersAreIsNotStoredOver) {
  ASSERT_TRUE(put(".spotfs/writers", "ours"));
  on_disk_[".spotfs/writers"] = spot::to_bytes("of others too");
  crash();
  ASSERT_TRUE(sync());
  EXPECT_EQ(value(".spotfs/writers"), "of others too");
}

TEST_F(DurableTest, WhatWasErasedStaysErased) {
  ASSERT_TRUE(put(kContent, "chunk"));
  ASSERT_TRUE(run(durable_->erase(kContent)));
  crash();
  ASSERT_TRUE(sync());
  EXPECT_FALSE(memory_->blobs().contains(kContent));
}

TEST_F(DurableTest, TakesACopyWhereTheBottleTookTooMuchMemory) {
  start(100);
  const std::string chunk(90, 'c');
  ASSERT_TRUE(sync());
  fate_ = Fate::done;
  on_ask_ = [this](Verb verb, const std::string&) { fate_ = verb == Verb::sync ? Fate::failed : Fate::done; };
  ASSERT_TRUE(put(kContent, chunk));
  ASSERT_TRUE(put(kOtherContent, chunk));
  copies_[kContent] = spot::to_bytes(chunk);
  settle();
  on_ask_ = {};
  fate_ = Fate::done;
  crash();
  ASSERT_TRUE(sync());
  EXPECT_EQ(value(kContent), chunk);
  EXPECT_EQ(value(kOtherContent), chunk);
}

class Lost : public DurableTest {
 protected:
  Lost() {
    start(100);
    EXPECT_TRUE(sync());
    on_ask_ = [this](Verb verb, const std::string&) { fate_ = verb == Verb::sync ? Fate::failed : Fate::done; };
    EXPECT_TRUE(put(kContent, std::string(90, 'a')));
    EXPECT_TRUE(put(kOtherContent, std::string(90, 'b')));
    settle();
    on_ask_ = {};
    fate_ = Fate::done;
    crash();
  }
};

TEST_F(Lost, IsToldWithItsKey) {
  const auto synced = sync();
  ASSERT_FALSE(synced);
  EXPECT_EQ(synced.error().code, Errc::lost);
  EXPECT_EQ(spot::to_errno(synced.error().code), EIO);
  EXPECT_EQ(synced.error().text, kContent);
  EXPECT_TRUE(durable_->is_lost(kContent));
  EXPECT_FALSE(durable_->is_lost(kOtherContent));
  EXPECT_THAT(notices_, Contains(HasSubstr(kContent)));
}

TEST_F(Lost, IsWhatHasACopyOfOtherBytes) {
  copies_[kContent] = spot::to_bytes("another");
  EXPECT_EQ(sync().error().code, Errc::lost);
}

TEST_F(Lost, IsToldByEachSyncUntilItIsErased) {
  EXPECT_FALSE(sync());
  EXPECT_EQ(sync().error().code, Errc::lost);
  ASSERT_TRUE(run(durable_->erase(kContent)));
  EXPECT_TRUE(sync());
}

TEST_F(Lost, IsNotWhatIsStoredOnceMore) {
  EXPECT_FALSE(sync());
  ASSERT_TRUE(put(kContent, std::string(90, 'a')));
  EXPECT_FALSE(durable_->is_lost(kContent));
  EXPECT_TRUE(sync());
}

TEST_F(DurableTest, WhatWasStoredBeforeTheCrashIsNotForgottenByTheSyncThatMeetsIt) {
  ASSERT_TRUE(sync());
  ASSERT_TRUE(put(kContent, "chunk"));
  // Acknowledged by the old run, while a sync is on its way that the new one answers.
  bool stored = false;
  on_ask_ = [&](Verb verb, const std::string&) {
    if (verb != Verb::sync || std::exchange(stored, true)) return;
    asio::co_spawn(context_, durable_->store(kOtherContent, spot::to_bytes("late")),
                   [this](const std::exception_ptr&, const Answer<void>& done) {
                     EXPECT_TRUE(done);
                     crash();
                   });
    settle();
  };
  ASSERT_TRUE(sync());
  ASSERT_TRUE(sync());
  EXPECT_EQ(value(kContent), "chunk");
  EXPECT_EQ(value(kOtherContent), "late");
}

TEST_F(DurableTest, ARelayThatCrashesWhileItIsMendedIsMendedAgain) {
  ASSERT_TRUE(put(kContent, "one"));
  ASSERT_TRUE(put(kOtherContent, "two"));
  crash();
  int crashes = 3;
  on_ask_ = [&](Verb verb, const std::string&) {
    if (verb == Verb::store && crashes > 0) --crashes, crash();
  };
  ASSERT_TRUE(sync());
  EXPECT_EQ(value(kContent), "one");
  EXPECT_EQ(value(kOtherContent), "two");
}

TEST_F(DurableTest, NothingIsStoredBesideTheMending) {
  ASSERT_TRUE(put("a value", "one"));
  crash();
  std::optional<std::future<Answer<void>>> newer;
  on_ask_ = [&](Verb verb, const std::string&) {
    if (verb != Verb::fetch || newer) return;
    newer = asio::co_spawn(context_, durable_->store("a value", spot::to_bytes("two")), asio::use_future);
  };
  ASSERT_TRUE(sync());
  ASSERT_TRUE(newer);
  ASSERT_TRUE(spot::fake::run_on(context_, std::move(*newer)));
  EXPECT_EQ(value("a value"), "two");
}

TEST_F(DurableTest, AStoreThatFailedLeavesNothingToBeRepeated) {
  ASSERT_TRUE(put("a value", "one"));
  fate_ = Fate::unanswered;
  ASSERT_FALSE(put("a value", "two"));
  fate_ = Fate::done;
  memory_->restart(memory_->blobs());
  ASSERT_TRUE(sync());
  EXPECT_EQ(value("a value"), "two");
}

TEST_F(DurableTest, SyncsByItselfWhenMuchIsRemembered) {
  start(1 << 20, 10);
  ASSERT_TRUE(sync());
  asked_.clear();
  for (int i = 0; i < 11; ++i) ASSERT_TRUE(put(kContent + std::to_string(i), "chunk"));
  settle();
  EXPECT_EQ(asked(Verb::sync), 1U);
  memory_->restart({});
  asked_.clear();
  ASSERT_TRUE(sync());
  EXPECT_EQ(asked(Verb::fetch), 0U);
}

TEST_F(DurableTest, RefusesStoresWhereNoSyncWorksForLong) {
  start(1 << 20, 2);
  ASSERT_TRUE(sync());
  on_ask_ = [this](Verb verb, const std::string&) { fate_ = verb == Verb::sync ? Fate::failed : Fate::done; };
  for (int i = 0; i < 9; ++i) ASSERT_TRUE(put(kContent + std::to_string(i), "chunk"));
  EXPECT_EQ(put(kOtherContent, "chunk").error().code, Errc::offline);
}

}  // namespace

}  // namespace spotfs
