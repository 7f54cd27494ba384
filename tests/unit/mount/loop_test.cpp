#include "mount/loop.hpp"

#include <stdexcept>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>

namespace spotfs::mount {
namespace {

using namespace std::chrono_literals;
using spot::Answer;
using spot::Errc;
using spot::Failure;

asio::awaitable<Answer<int>> give(int value) { co_return Answer<int>{value}; }

// Ends only when it is cancelled, and says so.
asio::awaitable<Answer<int>> wait_for_ever(bool* cancelled) {
  asio::steady_timer timer{co_await asio::this_coro::executor, asio::steady_timer::time_point::max()};
  boost::system::error_code ec;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ec));
  *cancelled = true;
  co_return Failure{ec};
}

asio::awaitable<Answer<int>> throws() {
  throw std::runtime_error{"deliberate"};
  co_return Answer<int>{0};
}

TEST(MountLoop, GivesWhatTheWorkGives) {
  Loop loop{2};
  EXPECT_EQ(*loop.run(give(7), 10s), 7);
  EXPECT_TRUE(loop.end(10s));
}

TEST(MountLoop, CancelsWhatTakesTooLong) {
  Loop loop{1};
  bool cancelled = false;
  const auto answer = loop.run(wait_for_ever(&cancelled), 10ms);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::timed_out);
  EXPECT_TRUE(cancelled);
}

TEST(MountLoop, CancelsWhatIsInterrupted) {
  Loop loop{1};
  bool cancelled = false;
  std::thread other{[&] { loop.interrupt(); }};
  const auto answer = loop.run(wait_for_ever(&cancelled), 1h);
  other.join();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::cancelled);
  EXPECT_TRUE(cancelled);
}

TEST(MountLoop, RunsAgainOnceThatIsAllowed) {
  Loop loop{1};
  loop.interrupt();
  bool cancelled = false;
  EXPECT_EQ(loop.run(wait_for_ever(&cancelled), 1h).error().code, Errc::cancelled);
  loop.allow_runs();
  EXPECT_EQ(*loop.run(give(1), 10s), 1);
}

TEST(MountLoop, ThrowsWhatTheWorkThrows) {
  Loop loop{1};
  EXPECT_THROW(loop.run(throws(), 10s), std::runtime_error);
}

TEST(MountLoop, EndsWhatGoesOnByItself) {
  Loop loop{2};
  bool cancelled = false;
  const auto task = loop.start(wait_for_ever(&cancelled));
  task->end();
  EXPECT_TRUE(cancelled);
  loop.start(throws())->end();
  EXPECT_TRUE(loop.end(10s));
}

TEST(MountLoop, DoesNotWaitForWhatNeverEnds) {
  Loop loop{1};
  const auto timer = std::make_shared<asio::steady_timer>(loop.context(), asio::steady_timer::time_point::max());
  timer->async_wait([timer](const boost::system::error_code&) {});
  EXPECT_FALSE(loop.end(10ms));
}

}  // namespace
}  // namespace spotfs::mount
