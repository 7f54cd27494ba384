#include "client/base/result.hpp"

#include <cerrno>

#include <gtest/gtest.h>

#include "client/base/failure.hpp"

namespace spot {
namespace {

TEST(Result, GivesEveryErrorATextAndAnErrno) {
  for (int e = static_cast<int>(Errc::not_found); e <= static_cast<int>(Errc::lost); ++e) {
    const std::error_code ec = make_error_code(static_cast<Errc>(e));
    EXPECT_NE(ec.message(), "unknown error") << e;
    EXPECT_GT(to_errno(ec), 0) << e;
  }
}

TEST(Result, NeverShowsNotConnected) {
  for (int e = static_cast<int>(Errc::not_found); e <= static_cast<int>(Errc::lost); ++e)
    EXPECT_NE(to_errno(make_error_code(static_cast<Errc>(e))), ENOTCONN);
}

TEST(Result, PassesOnErrnoOfTheSystem) {
  EXPECT_EQ(to_errno(std::make_error_code(std::errc::file_exists)), EEXIST);
  EXPECT_EQ(to_errno({ENOSPC, std::system_category()}), ENOSPC);
  EXPECT_EQ(to_errno({}), 0);
}

TEST(Failure, KeepsTheTextOfTheOtherSide) {
  const Answer<int> answer = Failure{Errc::remote_error, "no"};
  EXPECT_EQ(answer.error().text, "no");
  EXPECT_EQ(answer.error().code, Errc::remote_error);
}

}  // namespace
}  // namespace spot
