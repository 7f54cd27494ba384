#include "client/proto/replay.hpp"

#include <gtest/gtest.h>

namespace spot {
namespace {

Sha256 digest(int last) {
  Sha256 out{};
  out.back() = static_cast<std::uint8_t>(last);
  return out;
}

TEST(ReplayCache, TellsTheSecondTime) {
  ReplayCache cache;
  EXPECT_TRUE(cache.remember(digest(1)));
  EXPECT_FALSE(cache.remember(digest(1)));
}

TEST(ReplayCache, TellsApartDigestsThatStartAlike) {
  ReplayCache cache;
  EXPECT_TRUE(cache.remember(digest(1)));
  EXPECT_TRUE(cache.remember(digest(2)));
}

TEST(ReplayCache, ForgetsTheOldestFirst) {
  ReplayCache cache{2};
  for (const int i : {1, 2, 3}) EXPECT_TRUE(cache.remember(digest(i)));
  EXPECT_FALSE(cache.remember(digest(2)));
  EXPECT_FALSE(cache.remember(digest(3)));
  EXPECT_TRUE(cache.remember(digest(1)));
}

TEST(ReplayCache, GoesRoundMoreThanOnce) {
  ReplayCache cache{3};
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(cache.remember(digest(i)));
  for (const int i : {97, 98, 99}) EXPECT_FALSE(cache.remember(digest(i)));
  EXPECT_TRUE(cache.remember(digest(96)));
}

// One that is seen again does not push out another.
TEST(ReplayCache, KeepsItsOrderWhenAReplayComes) {
  ReplayCache cache{2};
  cache.remember(digest(1));
  cache.remember(digest(2));
  cache.remember(digest(2));
  EXPECT_FALSE(cache.remember(digest(1)));
}

}  // namespace
}  // namespace spot
