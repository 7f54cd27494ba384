// The watch on the wall clock. The clock of the machine is not a test's to set: a jump is an event of its descriptor.
#include "client/net/clock_watch.hpp"

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>
#include <sys/eventfd.h>

namespace spot {
namespace {

class ClockWatchTest : public testing::Test {
 protected:
  void settle() {
    context_.restart();
    while (context_.poll() > 0) {
    }
  }
  void jump() const {
    const std::uint64_t one = 1;
    EXPECT_EQ(::write(event_, &one, sizeof one), static_cast<ssize_t>(sizeof one));
  }

  asio::io_context context_{1};
  int jumps_ = 0;
  int event_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);  // the watch's
  std::shared_ptr<ClockWatch> watch_ =
      std::make_shared<ClockWatch>(context_.get_executor(), Descriptor{event_}, [this] { ++jumps_; });
};

TEST_F(ClockWatchTest, TellsOfEachJump) {
  watch_->start();
  settle();
  EXPECT_EQ(jumps_, 0);
  jump();
  settle();
  EXPECT_EQ(jumps_, 1);
  settle();
  EXPECT_EQ(jumps_, 1);
  jump();
  settle();
  EXPECT_EQ(jumps_, 2);
  watch_->stop();
  settle();
}

TEST_F(ClockWatchTest, LeavesNothingToDoWhenItIsStopped) {
  watch_->start();
  settle();
  watch_->stop();
  settle();
  EXPECT_TRUE(context_.stopped());
  EXPECT_EQ(watch_.use_count(), 1);
}

TEST_F(ClockWatchTest, TheKernelHasSuchATimerThatStaysSilent) {
  const auto real = ClockWatch::make(context_.get_executor(), [this] { ++jumps_; });
  ASSERT_TRUE(real);
  real->start();
  settle();
  EXPECT_EQ(jumps_, 0);
  real->stop();
  settle();
}

}  // namespace
}  // namespace spot
