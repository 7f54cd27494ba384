#include "client/net/gather.hpp"

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "tests/fake/run_on.hpp"

namespace spot {
namespace {

// Notes each write that comes through.
struct Below {
  using executor_type = asio::io_context::executor_type;
  executor_type get_executor() { return context.get_executor(); }

  template <class Buffers, class Handler>
  auto async_write_some(const Buffers& buffers, Handler&& handler) {
    return asio::async_initiate<Handler, void(boost::system::error_code, std::size_t)>(
        [this](auto own, const Buffers& some) {
          std::string text(asio::buffer_size(some), ' ');
          asio::buffer_copy(asio::buffer(text), some);
          const std::size_t size = error ? 0 : text.size();
          writes.push_back(std::move(text));
          asio::post(context, asio::append(std::move(own), error, size));
        },
        handler, buffers);
  }

  asio::io_context& context;
  std::vector<std::string>& writes;
  boost::system::error_code& error;
};

class GatherTest : public testing::Test {
 protected:
  boost::system::error_code write(std::string_view text) {
    const auto work = [&]() -> asio::awaitable<boost::system::error_code> {
      boost::system::error_code ec;
      co_await asio::async_write(stream_, asio::buffer(text), asio::redirect_error(asio::use_awaitable, ec));
      co_return ec;
    };
    return fake::run_on(context_, work());
  }
  boost::system::error_code flush() { return fake::run_on(context_, stream_.flush()); }

  asio::io_context context_;
  std::vector<std::string> writes_;
  boost::system::error_code error_;
  GatherStream<Below> stream_{Below{context_, writes_, error_}};
};

TEST_F(GatherTest, PassesWritesThroughUnlessItGathers) {
  write("one");
  write("two");
  EXPECT_EQ(writes_, (std::vector<std::string>{"one", "two"}));
}

TEST_F(GatherTest, MakesOneWriteOfWhatItGathered) {
  stream_.gather();
  EXPECT_FALSE(write("one"));
  EXPECT_FALSE(write("two"));
  EXPECT_TRUE(writes_.empty());
  EXPECT_FALSE(flush());
  EXPECT_EQ(writes_, std::vector<std::string>{"onetwo"});
  write("three");
  EXPECT_EQ(writes_.back(), "three");
}

TEST_F(GatherTest, TellsOfAFlushThatFailsAndForgetsWhatWasNotWritten) {
  stream_.gather();
  write("one");
  error_ = asio::error::broken_pipe;
  EXPECT_EQ(flush(), asio::error::broken_pipe);
  error_ = {};
  EXPECT_FALSE(flush());
  EXPECT_EQ(writes_.size(), 1U);
}

// A pong of the WebSocket's own, say.
TEST_F(GatherTest, TakesAlongWhatComesDuringTheFlush) {
  stream_.gather();
  write("one");
  auto flushed = asio::co_spawn(context_, stream_.flush(), asio::use_future);
  context_.restart();
  while (writes_.empty()) context_.run_one();
  auto late = asio::async_write(stream_, asio::buffer("pong", 4), asio::use_future);
  EXPECT_FALSE(fake::run_on(context_, std::move(flushed)));
  EXPECT_EQ(fake::run_on(context_, std::move(late)), 4U);
  EXPECT_EQ(writes_, (std::vector<std::string>{"one", "pong"}));
}

}  // namespace
}  // namespace spot
