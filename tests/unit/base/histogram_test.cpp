#include "client/base/histogram.hpp"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace spot {
namespace {

using namespace std::chrono_literals;

TEST(Histogram, ABoundBelongsToWhatIsBelowIt) {
  Histogram histogram;
  histogram.add(0ns);
  histogram.add(10us);
  histogram.add(10'001ns);
  histogram.add(30s);
  histogram.add(31s);
  const Histogram::Figures figures = histogram.figures();
  EXPECT_EQ(figures.counts.front(), 2U);
  EXPECT_EQ(figures.counts[1], 1U);
  EXPECT_EQ(figures.counts[figures.counts.size() - 2], 1U);
  EXPECT_EQ(figures.counts.back(), 1U);
  EXPECT_EQ(figures.count(), 5U);
  EXPECT_NEAR(figures.seconds, 61.00002, 1e-5);
}

TEST(Histogram, AClockThatGoesBackCountsAsNothing) {
  Histogram histogram;
  histogram.add(-5s);
  EXPECT_EQ(histogram.figures().counts.front(), 1U);
  EXPECT_EQ(histogram.figures().seconds, 0.0);
}

TEST(Histogram, ThreadsLoseNothing) {
  Histogram histogram;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 10'000; ++j) histogram.add(1ms);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(histogram.figures().count(), 40'000U);
  EXPECT_NEAR(histogram.figures().seconds, 40.0, 1e-6);
}

}  // namespace
}  // namespace spot
