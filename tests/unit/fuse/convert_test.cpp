#include "fs/fuse/convert.hpp"

#include <gtest/gtest.h>

namespace spotfs::fuse {
namespace {

TEST(Convert, ATimeThatCannotBeKeptBecomesTheLastWholeSecondThatCan) {
  constexpr std::chrono::seconds last{9'223'372'036};
  EXPECT_EQ(to_time({253'402'300'800, 5}).time_since_epoch(), last);
  EXPECT_EQ(to_time({9'223'372'036, 999'999'999}).time_since_epoch(), last);
  EXPECT_EQ(to_time({-253'402'300'800, 5}).time_since_epoch(), -last);
  EXPECT_EQ(to_time({9'223'372'036, 1}).time_since_epoch(), last + std::chrono::nanoseconds{1});
}

}  // namespace
}  // namespace spotfs::fuse
