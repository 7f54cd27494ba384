#include "fs/index/stamp.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "tests/unit/index/histories.hpp"

namespace spotfs {
namespace {

class SetClock : public Clock {
 public:
  Wall wall() const override { return Wall{std::chrono::milliseconds{ms}}; }
  Steady steady() const override { return {}; }
  std::int64_t ms = 1'790'000'000'000;
};

TEST(Stamp, HasItsPartsInTheOrderOfItsBytes) {
  const Stamp stamp = Stamp::of(0x010203040506, 0x0708, {9, 10, 11, 12});
  EXPECT_EQ(to_text(stamp), "0102030405060708090a0b0c");
  EXPECT_EQ(stamp.milliseconds(), 0x010203040506u);
  EXPECT_EQ(stamp.step(), 0x0708u);
  EXPECT_EQ(stamp.run(), (RunPrefix{9, 10, 11, 12}));
}

TEST(Stamp, GivesATimeWith15NanosecondsForEachStep) {
  EXPECT_EQ(time_of(stamp_at(1'790'000'000'123, 4)), (Time{1'790'000'000, 123'000'060}));
  EXPECT_EQ(time_of(stamp_at(999, 0xFFFF)), (Time{0, 999'983'025}));
}

TEST(HybridClockTest, GivesRisingStampsWithinOneMillisecond) {
  SetClock clock;
  HybridClock hybrid{clock, {1, 2, 3, 4}};
  const Stamp first = hybrid.next(), second = hybrid.next();
  EXPECT_LT(first, second);
  EXPECT_EQ(second.milliseconds(), first.milliseconds());
  EXPECT_EQ(first.run(), (RunPrefix{1, 2, 3, 4}));
}

TEST(HybridClockTest, IsLaterThanAllThatWasSeen) {
  SetClock clock;
  HybridClock hybrid{clock, {}};
  const Stamp ahead = stamp_at(1'790'000'500'000, 0xFFFF, 9);
  hybrid.see(ahead);
  EXPECT_GT(hybrid.next(), ahead);
}

TEST(HybridClockTest, NeverGoesBackWithTheMachinesClock) {
  SetClock clock;
  HybridClock hybrid{clock, {}};
  const Stamp before = hybrid.next();
  clock.ms -= 3'600'000;
  EXPECT_GT(hybrid.next(), before);
  clock.ms = -5;
  EXPECT_GT(hybrid.next(), before);
}

}  // namespace
}  // namespace spotfs
