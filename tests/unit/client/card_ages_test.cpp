#include "client/card_ages.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>

namespace spot {
namespace {

class CardAgesTest : public testing::Test {
 protected:
  CardAgesTest() {
    std::string name = (std::filesystem::temp_directory_path() / "ages.XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
  }
  ~CardAgesTest() override { std::filesystem::remove_all(directory_); }

  std::filesystem::path file() const { return directory_ / "cards"; }
  std::uintmax_t size() const { return std::filesystem::file_size(file()); }

  std::filesystem::path directory_;
};

Sha256 hash_of(std::uint8_t first) {
  Sha256 hash{};
  hash.front() = first;
  return hash;
}

TEST_F(CardAgesTest, KeepsWhatTwoThatShareItsFileHaveSeen) {
  {
    auto one = CardAges::open(file());
    auto other = CardAges::open(file());
    ASSERT_TRUE(one && other);
    one->raise(hash_of(1), 10);
    other->raise(hash_of(2), 20);
    one->raise(hash_of(3), 30);
  }
  const auto again = CardAges::open(file());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->find(hash_of(1)), 10);
  EXPECT_EQ(again->find(hash_of(2)), 20);
  EXPECT_EQ(again->find(hash_of(3)), 30);
}

TEST_F(CardAgesTest, DropsOutdatedRecordsWhereItIsOpenedAgain) {
  {
    auto ages = CardAges::open(file());
    ASSERT_TRUE(ages);
    for (UnixSeconds issued = 1; issued <= 5; ++issued) ages->raise(hash_of(1), issued);
  }
  EXPECT_EQ(size(), 200U);
  const auto again = CardAges::open(file());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->find(hash_of(1)), 5);
  EXPECT_EQ(size(), 40U);
  const std::filesystem::directory_iterator left{directory_};
  EXPECT_EQ(std::distance(begin(left), end(left)), 1);
}

TEST_F(CardAgesTest, IgnoresARecordThatWasCutShort) {
  {
    auto ages = CardAges::open(file());
    ASSERT_TRUE(ages);
    ages->raise(hash_of(1), 10);
    std::ofstream{file(), std::ios::app} << "cut";
  }
  {
    auto again = CardAges::open(file());
    ASSERT_TRUE(again);
    again->raise(hash_of(2), 20);
  }
  const auto last = CardAges::open(file());
  ASSERT_TRUE(last);
  EXPECT_EQ(last->find(hash_of(1)), 10);
  EXPECT_EQ(last->find(hash_of(2)), 20);
}

}  // namespace
}  // namespace spot
