#include "mount/relay/bounds.hpp"

#include <gtest/gtest.h>

#include "mount/relay/outbox.hpp"

namespace spot::relay {
namespace {

using namespace std::chrono_literals;

TEST(Rate, AllowsABurstAndThenTheRate) {
  Rate rate{10, 2};
  EXPECT_TRUE(rate.take(1s));
  EXPECT_TRUE(rate.take(1s));
  EXPECT_FALSE(rate.take(1s));
  EXPECT_TRUE(rate.take(1s + 100ms));
  EXPECT_FALSE(rate.take(1s + 100ms));
}

TEST(Rate, AllowsEverythingWithoutALimit) {
  Rate rate{0, 0};
  for (int i = 0; i < 1'000; ++i) EXPECT_TRUE(rate.take(0s));
}

TEST(RecentIds, ForgetsAfterTheLifetime) {
  RecentIds recent{10, 5min};
  recent.add(Uuid{1}, 0s);
  EXPECT_TRUE(recent.contains(Uuid{1}, 5min));
  EXPECT_FALSE(recent.contains(Uuid{1}, 5min + 1s));
}

TEST(RecentIds, ForgetsTheOldestBeyondTheLimit) {
  RecentIds recent{2, 5min};
  for (std::uint8_t i = 1; i <= 3; ++i) recent.add(Uuid{i}, 0s);
  EXPECT_FALSE(recent.contains(Uuid{1}, 0s));
  EXPECT_TRUE(recent.contains(Uuid{2}, 0s));
  EXPECT_TRUE(recent.contains(Uuid{3}, 0s));
}

TEST(Outbox, AsksForADrainOnlyWhereNoneRuns) {
  Outbox outbox;
  EXPECT_EQ(outbox.push(Bytes{1}, 10), Outbox::Push::first);
  EXPECT_EQ(outbox.push(Bytes{2}, 10), Outbox::Push::waits);
  EXPECT_EQ(outbox.next(), (std::vector{Bytes{1}, Bytes{2}}));
  EXPECT_EQ(outbox.push(Bytes{3}, 10), Outbox::Push::waits);
  EXPECT_EQ(outbox.next(), std::vector<Bytes>{Bytes{3}});
  EXPECT_TRUE(outbox.next().empty());
  EXPECT_EQ(outbox.push(Bytes{4}, 10), Outbox::Push::first);
}

TEST(Outbox, RefusesWhatPassesItsLimit) {
  Outbox outbox;
  outbox.push(Bytes(8), 10);
  EXPECT_EQ(outbox.push(Bytes(3), 10), Outbox::Push::full);
  EXPECT_EQ(outbox.waiting_bytes(), 8U);
}

TEST(Outbox, HasRoomAgainForWhatWasTaken) {
  Outbox outbox;
  outbox.push(Bytes(4), 10);
  outbox.push(Bytes(5), 10);
  EXPECT_EQ(outbox.next().size(), 2U);
  EXPECT_EQ(outbox.waiting_bytes(), 0U);
  EXPECT_EQ(outbox.push(Bytes(10), 10), Outbox::Push::waits);
}

TEST(Outbox, DropsWhatWaitsWhenItIsClosed) {
  Outbox outbox;
  outbox.push(Bytes{1}, 10);
  outbox.close();
  EXPECT_TRUE(outbox.next().empty());
  EXPECT_EQ(outbox.push(Bytes{1}, 10), Outbox::Push::closed);
}

}  // namespace
}  // namespace spot::relay
