#include "client/net/batch.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <gtest/gtest.h>

#include "tests/fake/run_on.hpp"

namespace spot {
namespace {

TEST(TakeBatch, TakesWhatFitsIntoOneRecord) {
  std::deque<Bytes> waiting{Bytes(10'000), Bytes(6'000), Bytes(1'000)};
  EXPECT_EQ(take_batch(waiting).size(), 2U);
  EXPECT_EQ(waiting.size(), 1U);
}

TEST(TakeBatch, TakesALargePacketAlone) {
  std::deque<Bytes> waiting{Bytes(40'000), Bytes(1)};
  EXPECT_EQ(take_batch(waiting), std::vector<Bytes>{Bytes(40'000)});
  EXPECT_EQ(take_batch(waiting), std::vector<Bytes>{Bytes(1)});
  EXPECT_TRUE(take_batch(waiting).empty());
}

class LetOthersAdd : public testing::Test {
 protected:
  void add(std::size_t size, int times) {
    if (times == 0) return;
    asio::post(strand_, [=, this] {
      waiting_ += size;
      add(size, times - 1);
    });
  }
  void wait() {
    fake::run_on(context_,
                 asio::co_spawn(strand_, let_others_add(strand_, [this] { return waiting_; }), asio::use_future));
  }

  asio::io_context context_;
  asio::any_io_executor strand_ = asio::make_strand(context_.get_executor());
  std::size_t waiting_ = 1;
};

TEST_F(LetOthersAdd, WaitsWhileMoreComes) {
  add(10, 5);
  wait();
  EXPECT_EQ(waiting_, 51U);
}

TEST_F(LetOthersAdd, WaitsForNoMoreThanOneRecord) {
  add(kBatchSize / 2, 100);
  wait();
  EXPECT_LE(waiting_, 2 * kBatchSize);
}

TEST_F(LetOthersAdd, DoesNotWaitWhereNothingComes) {
  wait();
  EXPECT_EQ(waiting_, 1U);
}

}  // namespace
}  // namespace spot
