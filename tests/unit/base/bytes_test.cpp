#include "client/base/bytes.hpp"

#include <gtest/gtest.h>

namespace spot {
namespace {

TEST(Bytes, WipesWhatItIsGiven) {
  std::array<std::uint8_t, 4> secret{1, 2, 3, 4};
  wipe(secret.data(), secret.size());
  EXPECT_EQ(secret, (std::array<std::uint8_t, 4>{}));
}

TEST(Bytes, ComparesLengthAndContent) {
  EXPECT_TRUE(equal(view("abc"), view("abc")));
  EXPECT_FALSE(equal(view("abc"), view("abd")));
  EXPECT_FALSE(equal(view("abc"), view("ab")));
}

}  // namespace
}  // namespace spot
