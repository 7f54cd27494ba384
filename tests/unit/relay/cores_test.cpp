#include "mount/relay/cores.hpp"

#include <functional>
#include <set>
#include <thread>

#include <boost/asio/post.hpp>
#include <gtest/gtest.h>

namespace spot::relay {
namespace {

TEST(Cores, RunEachExecutorOnAThreadOfItsOwn) {
  Cores cores{3};
  std::vector<std::thread::id> ran(3);
  const auto executors = cores.executors();
  ASSERT_EQ(executors.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) asio::post(executors[i], [&, i] { ran[i] = std::this_thread::get_id(); });
  cores.run();
  EXPECT_EQ(ran[0], std::this_thread::get_id());
  EXPECT_EQ(std::set(ran.begin(), ran.end()).size(), 3U);
}

TEST(Cores, EndOnlyWhenTheOthersAreDone) {
  Cores cores{2};
  const auto executors = cores.executors();
  int left = 1'000;
  std::function<void()> step = [&] {
    if (--left > 0) asio::post(executors[1], step);
  };
  asio::post(executors[1], step);
  cores.run();
  EXPECT_EQ(left, 0);
}

TEST(Cores, DoWhatTheOthersLeaveForTheFirstAtTheEnd) {
  Cores cores{2};
  const auto executors = cores.executors();
  bool done = false;
  asio::post(executors[1], [&] { asio::post(executors[0], [&] { done = true; }); });
  cores.run();
  EXPECT_TRUE(done);
}

TEST(Cores, AreAtLeastOne) { EXPECT_EQ(Cores{0}.executors().size(), 1U); }

}  // namespace
}  // namespace spot::relay
