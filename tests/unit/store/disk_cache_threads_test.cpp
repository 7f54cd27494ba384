// Several operations at once, of which the store alone knows the order.
#include <random>
#include <thread>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include "client/net/event.hpp"
#include "tests/unit/spawn.hpp"
#include "tests/unit/store/disk_cache_fixture.hpp"

namespace spotfs {

namespace {

class AtOnce : public testing::Test, public DiskCacheFixture {
 protected:
  using Event = spot::Event;

  // The next calls of this kind wait in the store, before they happen, until the event.
  std::shared_ptr<Event> hold(Verb verb, int calls = 1, Fate fate = Fate::done) {
    const auto go_on = std::make_shared<Event>();
    to_hold_ = calls;
    memory_->set_plan([this, verb, fate, go_on](Verb asked, std::string) -> asio::awaitable<Fate> {
      if (asked == verb && to_hold_-- > 0) static_cast<void>(co_await Event::wait(go_on));
      co_return fate;
    });
    return go_on;
  }
  template <class T>
  std::future<T> begin(asio::awaitable<T> work) {
    auto out = spot::test::spawn(context_, std::move(work));
    context_.restart();
    context_.poll();
    return out;
  }
  bool is_kept(const std::string& key) { return open()->read(key).has_value(); }

  int to_hold_ = 0;
};

TEST_F(AtOnce, AFetchThatAStoreOvertakesLeavesNoCopy) {
  change("a", "one");
  const auto go_on = hold(Verb::fetch);
  auto fetched = begin(cache_->fetch("a"));
  ASSERT_TRUE(put("a", "two"));
  go_on->set();
  ASSERT_TRUE(spot::fake::run_on(context_, std::move(fetched)));
  EXPECT_FALSE(is_kept("a"));
  ASSERT_TRUE(fetch("a"));  // alone
  EXPECT_TRUE(is_kept("a"));
}

TEST_F(AtOnce, OfTwoStoresNeitherLeavesACopy) {
  const auto go_on = hold(Verb::store);
  auto first = begin(cache_->store("a", bytes("one")));
  ASSERT_TRUE(put("a", "two"));
  go_on->set();
  ASSERT_TRUE(spot::fake::run_on(context_, std::move(first)));
  EXPECT_FALSE(is_kept("a"));
}

TEST_F(AtOnce, TwoFetchesWithoutAConnectionBothGetTheCopyAndLeaveIt) {
  ASSERT_TRUE(put("a", "one"));
  const auto go_on = hold(Verb::fetch, 2, Fate::failed);
  auto first = begin(cache_->fetch("a")), second = begin(cache_->fetch("a"));
  go_on->set();
  EXPECT_EQ(spot::fake::run_on(context_, std::move(first)).value(), bytes("one"));
  EXPECT_EQ(spot::fake::run_on(context_, std::move(second)).value(), bytes("one"));
  EXPECT_TRUE(is_kept("a"));
}

TEST_F(AtOnce, OtherKeysDoNotMatter) {
  const auto go_on = hold(Verb::store);
  auto first = begin(cache_->store("a", bytes("one")));
  ASSERT_TRUE(put("b", "two"));
  go_on->set();
  ASSERT_TRUE(spot::fake::run_on(context_, std::move(first)));
  EXPECT_TRUE(is_kept("a") && is_kept("b"));
}

TEST_F(AtOnce, WhatThreadsLeaveBehindIsWhatTheStoreHas) {
  asio::thread_pool pool{4};
  std::vector<std::future<void>> workers;
  const auto work = [this](unsigned seed) -> asio::awaitable<void> {
    std::mt19937 random{seed};
    for (int i = 0; i < 300; ++i) {
      const std::string key = std::to_string(random() % 12);
      const auto what = random() % 10;
      if (what < 4)
        static_cast<void>(co_await cache_->store(key, bytes(std::to_string(seed) + " " + std::to_string(i))));
      else if (what == 4)
        static_cast<void>(co_await cache_->erase(key));
      else
        static_cast<void>(co_await cache_->fetch(key));
    }
  };
  for (unsigned seed = 1; seed <= 4; ++seed) workers.push_back(asio::co_spawn(pool, work(seed), asio::use_future));
  for (auto& worker : workers) worker.get();
  pool.join();
  const auto directory = open();
  const MemoryStore::Blobs blobs = memory_->blobs();
  for (int i = 0; i < 12; ++i) {
    const std::string key = std::to_string(i);
    const std::optional<Bytes> kept = directory->read(key);
    if (!kept) continue;
    ASSERT_TRUE(blobs.contains(key)) << key;
    EXPECT_EQ(*kept, blobs.at(key)) << key;
  }
}

}  // namespace

}  // namespace spotfs
