#include "client/proto/link.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace spot {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""ns;
using std::chrono_literals::operator""s;

TEST(Backoff, DoublesFromOneSecondToSixty) {
  Backoff backoff;
  for (const std::chrono::nanoseconds longest : {1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s, 60s}) {
    Backoff twin = backoff;
    EXPECT_EQ(twin.ended(0s, 0.0), longest / 2);
    EXPECT_LE(backoff.ended(0s, 0.999), longest);
  }
}

TEST(Backoff, SpreadsWaitsOverHalfOfTheStep) { EXPECT_EQ(Backoff{}.ended(0s, 0.5), 750ms); }

TEST(Backoff, GivesUpAfterTenFailuresInARow) {
  Backoff backoff;
  for (int i = 0; i < 9; ++i) EXPECT_TRUE(backoff.ended(0s, 0));
  EXPECT_FALSE(backoff.ended(0s, 0));
  EXPECT_EQ(backoff.failures(), Backoff::kGiveUpAfter);
}

TEST(Backoff, CountsASessionThatDiedWithin30SecondsAsAFailure) {
  Backoff backoff;
  backoff.ended(0s, 0);
  backoff.online(10s);
  EXPECT_EQ(backoff.ended(40s - 1ns, 0), 1s);
  EXPECT_EQ(backoff.failures(), 2);
}

TEST(Backoff, StartsAfreshAfterAStableSession) {
  Backoff backoff;
  for (int i = 0; i < 9; ++i) backoff.ended(0s, 0);
  backoff.online(10s);
  EXPECT_EQ(backoff.ended(40s, 0), 500ms);
  EXPECT_EQ(backoff.failures(), 1);
}

TEST(Backoff, CountsEachSessionOnce) {
  Backoff backoff;
  backoff.online(0s);
  backoff.ended(30s, 0);
  EXPECT_EQ(backoff.ended(60s, 0), 1s);
}

TEST(Backoff, ForgetsOnReset) {
  Backoff backoff;
  backoff.ended(0s, 0);
  backoff.reset();
  EXPECT_EQ(backoff.failures(), 0);
}

std::vector<std::string> hosts(int count) {
  std::vector<std::string> out;
  for (int i = 0; i < count; ++i) out.push_back("h" + std::to_string(i));
  return out;
}

TEST(ChooseHosts, TakesAsManyAsAreWanted) {
  EXPECT_EQ(choose_hosts(hosts(5), 2, 1).size(), 2U);
  EXPECT_EQ(choose_hosts(hosts(5), 9, 1).size(), 5U);
}

TEST(ChooseHosts, TakesAllForZeroAndAtMostTen) {
  EXPECT_EQ(choose_hosts(hosts(5), 0, 1).size(), 5U);
  EXPECT_EQ(choose_hosts(hosts(50), 0, 1).size(), kMaxHosts);
  EXPECT_EQ(choose_hosts(hosts(50), SIZE_MAX, 1).size(), kMaxHosts);
}

TEST(ChooseHosts, TakesEachOnce) {
  EXPECT_EQ(choose_hosts({"a", "b", "a"}, 0, 1).size(), 2U);
  EXPECT_TRUE(choose_hosts({}, 0, 1).empty());
}

TEST(ChooseHosts, SpreadsClientsOverTheList) {
  std::vector<std::string> first;
  for (std::uint64_t seed = 0; seed < 64; ++seed) first.push_back(choose_hosts(hosts(4), 1, seed).front());
  for (const std::string& host : hosts(4)) EXPECT_TRUE(std::ranges::count(first, host) > 0) << host;
}

}  // namespace
}  // namespace spot
