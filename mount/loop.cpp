#include "mount/loop.hpp"

namespace spotfs::mount {

Loop::Loop(unsigned threads) : context_{static_cast<int>(threads)}, guard_{context_.get_executor()} {
  running_ = threads;
  for (unsigned i = 0; i < threads; ++i) {
    threads_.emplace_back([this] {
      context_.run();
      const std::lock_guard lock{mutex_};
      --running_;
      changed_.notify_all();
    });
  }
}

Loop::~Loop() { end(std::chrono::milliseconds{0}); }

void Loop::interrupt() {
  const std::lock_guard lock{mutex_};
  interrupted_ = true;
  changed_.notify_all();
}

void Loop::allow_runs() {
  const std::lock_guard lock{mutex_};
  interrupted_ = false;
}

bool Loop::interrupted() const {
  const std::lock_guard lock{mutex_};
  return interrupted_;
}

bool Loop::end(std::chrono::milliseconds limit) {
  guard_.reset();
  bool dry = false;
  {
    std::unique_lock lock{mutex_};
    dry = changed_.wait_for(lock, limit, [this] { return running_ == 0; });
  }
  if (!dry) context_.stop();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  return dry;
}

void Loop::Task::end() {
  if (!over_.valid()) return;
  const auto emitted = std::make_shared<std::promise<void>>();
  asio::post(strand_, [this, emitted] {
    cancel_.emit(asio::cancellation_type::all);
    emitted->set_value();
  });
  emitted->get_future().wait();
  over_.get();
}

}  // namespace spotfs::mount
