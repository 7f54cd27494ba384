// Many threads at once, as the session's readers and the threads of an io_context are: for the sanitizers.
#include <thread>

#include <boost/asio/executor_work_guard.hpp>

#include "tests/unit/tree/blobs_fixture.hpp"

namespace spotfs::tree {
namespace {

constexpr int kThreads = 4;
constexpr int kRounds = 20;

class BlobsThreadsTest : public BlobsTest {
 protected:
  // Runs `work(thread)` on threads of its own, while others run the io_context.
  void in_threads(const std::function<asio::awaitable<void>(int)>& work) {
    context_.restart();
    std::vector<std::future<void>> done;
    for (int i = 0; i < kThreads; ++i) done.push_back(asio::co_spawn(context_, work(i), asio::use_future));
    {
      const auto keep = asio::make_work_guard(context_);
      std::vector<std::jthread> threads;
      for (int i = 0; i < kThreads; ++i) threads.emplace_back([this] { context_.run(); });
      for (auto& one : done) one.wait();
      context_.stop();
    }
    for (auto& one : done) one.get();
  }
};

TEST_F(BlobsThreadsTest, WritesReadsAndClosesOfOneFileGoTogether) {
  mount();
  put(root_, "a", std::string(kThreads, '.'));
  const NodePtr file = node(root_, "a");
  in_threads([&](int thread) -> asio::awaitable<void> {
    for (int round = 0; round < kRounds; ++round) {
      const Result<Opened> opened = co_await file->open(user(), O_RDWR);
      Write one{static_cast<std::uint64_t>(thread), Bytes(1, static_cast<std::uint8_t>('a' + thread))};
      co_await opened.value().file->write(user(), std::move(one));
      co_await opened->file->read(user(), 0, 100);
      const Result<void> closed = co_await opened->file->flush(user());
      EXPECT_TRUE(closed);
      co_await opened->file->release(user());
      co_await file->attributes(user());
    }
  });
  EXPECT_EQ(stored_text("a"), "abcd");
  EXPECT_EQ(text(root_, "a").value(), "abcd");
}

TEST_F(BlobsThreadsTest, LargeContentIsWrittenReadAndMovedAtOnce) {
  constexpr std::size_t kPart = 60'000;
  mount();
  put(root_, "a", std::string(kThreads * kPart, '.'));
  const NodePtr file = node(root_, "a");
  in_threads([&](int thread) -> asio::awaitable<void> {
    const std::uint64_t place = static_cast<std::uint64_t>(thread) * kPart;
    for (int round = 0; round < kRounds; ++round) {
      const Result<Opened> opened = co_await file->open(user(), O_RDWR);
      EXPECT_TRUE(opened);
      Write part{place, Bytes(kPart, static_cast<std::uint8_t>('a' + thread))};
      co_await opened.value().file->write(user(), std::move(part));
      const Result<Content> read = co_await opened->file->read(user(), place, kPart);
      EXPECT_TRUE(read);
      if (thread == 0) {
        const bool back = round % 2 != 0;
        const Result<void> moved =
            co_await root_->rename(user(), back ? "b" : "a", root_, back ? "a" : "b", RenameMode::replace);
        EXPECT_TRUE(moved);
      }
      const Result<void> closed = co_await opened->file->flush(user());
      EXPECT_TRUE(closed);
      co_await opened->file->release(user());
    }
  });
  remount();
  std::string expected;
  for (int i = 0; i < kThreads; ++i) expected += std::string(kPart, static_cast<char>('a' + i));
  EXPECT_EQ(names(root_), std::vector<std::string>{"a"});
  EXPECT_TRUE(text(root_, "a").value() == expected);
}

TEST_F(BlobsThreadsTest, NamesComeAndGoInOneDirectory) {
  mount();
  in_threads([&](int thread) -> asio::awaitable<void> {
    const std::string own = "own" + std::to_string(thread), moved = "moved" + std::to_string(thread);
    for (int round = 0; round < kRounds; ++round) {
      const Result<Created> shared = co_await root_->create(user(), "shared", 0644, O_WRONLY);
      const Result<Created> created = co_await root_->create(user(), own, 0644, O_WRONLY | O_EXCL);
      EXPECT_TRUE(created);
      if (created) co_await created->opened.file->release(user());
      const Result<void> renamed = co_await root_->rename(user(), own, root_, moved, RenameMode::replace);
      EXPECT_TRUE(renamed);
      co_await root_->list(user(), "", 100);
      const Result<void> unlinked = co_await root_->unlink(user(), moved);
      EXPECT_TRUE(unlinked);
      co_await root_->unlink(user(), "shared");
    }
  });
  EXPECT_EQ(names(root_).size() + store_->blobs().count("shared"), is_stored("shared") ? 2U : 0U);
  for (const auto& [key, bottle] : store_->blobs()) EXPECT_TRUE(key.starts_with(".spotfs/") || key == "shared") << key;
}

}  // namespace
}  // namespace spotfs::tree
