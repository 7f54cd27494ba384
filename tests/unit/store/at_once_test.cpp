#include "fs/store/at_once.hpp"

#include <memory>
#include <optional>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>

#include "tests/fake/run_on.hpp"

namespace spotfs {
namespace {

using spot::Answer;
using spot::Errc;
using spot::Failure;

TEST(DoAtOnce, BeginsNothingMoreAfterAFailure) {
  asio::io_context context{1};
  std::size_t begun = 0;
  const Work fails = [&](std::size_t number) -> asio::awaitable<Answer<void>> {
    ++begun;
    if (number == 2) co_return Failure{Errc::offline};
    co_return Answer<void>{};
  };
  const Answer<void> done = spot::fake::run_on(context, do_at_once(context.get_executor(), 10, 1, fails));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::offline);
  EXPECT_EQ(begun, 3U);
}

TEST(DoAtOnce, GoesWithItsLoop) {
  auto owned = std::make_shared<int>();
  const std::weak_ptr<int> left = owned;
  std::optional<asio::io_context> context{std::in_place, 1};
  const auto executor = context->get_executor();
  Work waits = [owned = std::move(owned), executor](std::size_t) -> asio::awaitable<Answer<void>> {
    asio::steady_timer never{executor, asio::steady_timer::time_point::max()};
    co_await never.async_wait(asio::use_awaitable);
    co_return Answer<void>{};
  };
  asio::co_spawn(executor, do_at_once(executor, 3, 2, std::move(waits)), asio::detached);
  context->poll();
  ASSERT_FALSE(left.expired());
  context.reset();
  EXPECT_TRUE(left.expired());
}

}  // namespace
}  // namespace spotfs
