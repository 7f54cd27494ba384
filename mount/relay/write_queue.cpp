#include "mount/relay/write_queue.hpp"

#include <iterator>

namespace spot::relay {

WriteQueue::WriteQueue(std::function<void(std::vector<Write>)> commit)
    : commit_{std::move(commit)}, thread_{[this] { run(); }} {}

WriteQueue::~WriteQueue() { stop(); }

std::error_code WriteQueue::push(Write write) {
  {
    const std::lock_guard lock{mutex_};
    if (stopping_) return make_error_code(Errc::stopping);
    if (waiting_bytes_ + write.size > kMaxWaitingBytes) return make_error_code(Errc::rate_exceeded);
    waiting_bytes_ += write.size;
    waiting_.push_back(std::move(write));
    if (waiting_.size() != 1) return {};
  }
  changed_.notify_one();
  return {};
}

bool WriteQueue::commit_now(Write write) noexcept {
  {
    const std::lock_guard lock{mutex_};
    if (stopping_ || committing_ || !waiting_.empty()) return false;
    committing_ = true;
  }
  std::vector<Write> batch;
  batch.push_back(std::move(write));
  commit_(std::move(batch));
  bool wanted = false;
  {
    const std::lock_guard lock{mutex_};
    committing_ = false;
    wanted = stopping_ || !waiting_.empty();
  }
  if (wanted) changed_.notify_one();
  return true;
}

void WriteQueue::stop() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

std::vector<Write> WriteQueue::take() {
  std::unique_lock lock{mutex_};
  changed_.wait(lock, [this] { return !committing_ && (stopping_ || !waiting_.empty()); });
  committing_ = !waiting_.empty();
  std::size_t bytes = 0;
  auto end = waiting_.begin();
  while (end != waiting_.end() && (end == waiting_.begin() || bytes + end->size <= kMaxBatchBytes))
    bytes += (end++)->size;
  waiting_bytes_ -= bytes;
  std::vector<Write> batch{std::make_move_iterator(waiting_.begin()), std::make_move_iterator(end)};
  waiting_.erase(waiting_.begin(), end);
  return batch;
}

void WriteQueue::run() {
  for (auto batch = take(); !batch.empty(); batch = take()) {
    commit_(std::move(batch));
    const std::lock_guard lock{mutex_};
    committing_ = false;
  }
}

}  // namespace spot::relay
