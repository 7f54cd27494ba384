#include "client/net/inline_strand.hpp"

#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>

namespace spot {
namespace {

class SpawnHere : public testing::Test {
 protected:
  // `work` must outlive its coroutine.
  template <class Work>
  void spawn(const Work& work) {
    spawn_here(context_.get_executor(), work(), [this](const std::exception_ptr& thrown, int result) {
      failed_ = thrown != nullptr;
      result_ = result;
    });
  }

  asio::io_context context_;
  std::optional<int> result_;
  bool failed_ = false;
};

TEST_F(SpawnHere, EndsBeforeItReturnsWhereNothingIsWaitedFor) {
  spawn([]() -> asio::awaitable<int> { co_return 7; });
  EXPECT_EQ(result_, 7);
  EXPECT_FALSE(failed_);
}

// Asked anew after each wait: what pthread_self() gives is kept over it by some compilers.
[[gnu::noinline]] std::thread::id this_thread() {
  asm volatile("");
  return std::this_thread::get_id();
}

TEST_F(SpawnHere, GoesOnElsewhereAfterItsFirstWait) {
  std::thread::id before, after;
  const auto work = [&]() -> asio::awaitable<int> {
    before = this_thread();
    co_await asio::post(context_, asio::use_awaitable);
    after = this_thread();
    co_return 8;
  };
  spawn(work);
  EXPECT_EQ(before, std::this_thread::get_id());
  EXPECT_FALSE(result_);
  std::thread other{[this] { context_.run(); }};
  const std::thread::id elsewhere = other.get_id();
  other.join();
  EXPECT_EQ(after, elsewhere);
  EXPECT_EQ(result_, 8);
}

TEST_F(SpawnHere, TellsWhatWasThrown) {
  spawn([]() -> asio::awaitable<int> {
    throw std::runtime_error{"no"};
    co_return 0;
  });
  EXPECT_TRUE(failed_);
}

TEST_F(SpawnHere, RunsInsideAnother) {
  std::vector<int> order;
  spawn([&]() -> asio::awaitable<int> {
    spawn_here(
        context_.get_executor(),
        [&]() -> asio::awaitable<int> {
          order.push_back(1);
          co_return 0;
        }(),
        [](const std::exception_ptr&, int) {});
    order.push_back(2);
    co_return 0;
  });
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

}  // namespace
}  // namespace spot
