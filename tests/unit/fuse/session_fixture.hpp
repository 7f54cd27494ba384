// A session on a fake kernel, with two threads for its io_context.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "fs/fuse/session.hpp"
#include "tests/unit/fuse/fake_kernel.hpp"
#include "tests/unit/fuse/memory_tree.hpp"

namespace spotfs::test {

class Threads {
 public:
  explicit Threads(asio::io_context& io) : work_{io.get_executor()} {
    for (int i = 0; i < 2; ++i) threads_.emplace_back([&io] { io.run(); });
  }
  ~Threads() { join(); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;
  void join() {
    work_.reset();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

 private:
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::vector<std::thread> threads_;
};

// Waits until the call is cancelled.
inline asio::awaitable<std::error_code> wait_for_ever() {
  asio::steady_timer timer{co_await asio::this_coro::executor, asio::steady_timer::time_point::max()};
  boost::system::error_code ec;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ec));
  co_return std::error_code{ec};
}

class SessionTest : public ::testing::Test {
 protected:
  ~SessionTest() override { end(); }

  void begin(tree::NodePtr root) {
    SessionOptions options;
    options.interrupt_patience = interrupt_patience_;
    options.pending_signals = [this](pid_t) { return signals_.load(); };
    options.log = [this](std::string_view line) {
      const std::lock_guard lock{log_mutex_};
      log_.emplace_back(line);
    };
    auto session = Session::attach(io_, std::move(root), notifier_, options, kernel_.device());
    ASSERT_TRUE(session) << session.error().text;
    session_ = *std::move(session);
    session_->start();
    EXPECT_EQ(kernel_.init().error, 0);
  }
  void begin() { begin(root_); }

  // All that the session does at its end has been done.
  void end() {
    if (!session_) return;
    session_->stop();
    session_->wait();
    session_.reset();
  }

  std::vector<std::string> log() {
    const std::lock_guard lock{log_mutex_};
    return log_;
  }

  asio::io_context io_;
  Threads threads_{io_};
  std::shared_ptr<MemoryTree> memory_ = std::make_shared<MemoryTree>();
  std::shared_ptr<MemoryNode> root_ = MemoryNode::make_root(memory_);
  std::shared_ptr<Notifier> notifier_ = Notifier::make();
  std::chrono::milliseconds interrupt_patience_{0};
  std::atomic<fuse::Signals> signals_{fuse::Signals::pending};  // of every caller
  FakeKernel kernel_;
  std::unique_ptr<Session> session_;
  std::mutex log_mutex_;
  std::vector<std::string> log_;
};

}  // namespace spotfs::test
