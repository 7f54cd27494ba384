// A disk whose contents are kept back for a later upload.
#include <gmock/gmock.h>

#include "fs/store/pending_store.hpp"
#include "tests/unit/index/index_fixture.hpp"

namespace spotfs {

namespace {

using testing::ElementsAre;

constexpr const char* kChunk = ".spotfs/c/chunk";

class KeptBack : public IndexTest {
 protected:
  using Fate = MemoryStore::Fate;

  Answer<void> open() {
    mount_ = std::make_unique<IndexMount>();
    PendingStore::Options settings;
    settings.store = store_;
    settings.keeps = true;
    pending_ = PendingStore::make(mount_->context().get_executor(), std::move(settings));
    IndexOptions with = shared_options();
    with.pending = pending_;
    with.open_offline = true;
    return mount_->open(std::move(with));
  }
  void kill() {
    pending_.reset();
    mount_.reset();
  }
  void go_offline() {
    store_->set_plan([](MemoryStore::Verb, std::string) -> asio::awaitable<Fate> { co_return Fate::failed; });
  }

  std::unique_ptr<IndexMount> mount_;
  std::shared_ptr<PendingStore> pending_;
};

TEST_F(KeptBack, WhatWasDoneWithoutTheServerIsCommittedAfterAKillOnceItsContentsAreUploaded) {
  auto first = mount(options());
  ASSERT_TRUE(first->run(first->index().close()));
  ASSERT_TRUE(open());
  go_offline();
  ASSERT_TRUE(mount_->run(pending_->store(kChunk, Bytes{1, 2, 3})));
  mount_->make("made offline");
  ASSERT_TRUE(mount_->run(mount_->index().make_durable()));
  EXPECT_FALSE(mount_->run(mount_->index().commit()));
  kill();
  ASSERT_TRUE(open());
  EXPECT_THAT(mount_->names(), ElementsAre("made offline"));
  EXPECT_EQ(mount_->run(pending_->fetch(kChunk)).value(), (Bytes{1, 2, 3}));

  std::vector<std::string> stored;
  store_->set_plan([&](MemoryStore::Verb verb, std::string key) -> asio::awaitable<Fate> {
    if (verb == MemoryStore::Verb::store) stored.push_back(key);
    co_return Fate::done;
  });
  ASSERT_TRUE(mount_->run(mount_->index().commit()));
  const auto chunk = std::ranges::find(stored, kChunk);
  const auto head = std::ranges::find_if(stored, [](const std::string& key) { return key.starts_with(".spotfs/w/"); });
  ASSERT_NE(head, stored.end());
  EXPECT_LT(chunk - stored.begin(), head - stored.begin());
  auto two = mount(shared_options("two"));
  EXPECT_THAT(two->names(), ElementsAre("made offline"));
}

}  // namespace

}  // namespace spotfs
