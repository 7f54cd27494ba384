#include "client/net/inline_strand.hpp"

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>

namespace spot {

void InlineStrand::push(std::unique_ptr<Task> task, bool never) {
  {
    const std::lock_guard lock{mutex_};
    queue_.push_back(std::move(task));
    if (std::exchange(busy_, true)) return;
  }
  auto run = [self = shared_from_this()] { self->run_later(); };
  if (never) {
    asio::post(later_, std::move(run));
  } else {
    asio::dispatch(later_, std::move(run));
  }
}

std::unique_ptr<InlineStrand::Task> InlineStrand::pop() {
  const std::lock_guard lock{mutex_};
  if (queue_.empty()) return nullptr;
  std::unique_ptr<Task> task = std::move(queue_.front());
  queue_.pop_front();
  return task;
}

void InlineStrand::run_queued() {
  while (const std::unique_ptr<Task> task = pop()) task->run();
}

void InlineStrand::hand_over() {
  {
    const std::lock_guard lock{mutex_};
    if (queue_.empty()) {
      busy_ = false;
      return;
    }
  }
  asio::post(later_, [self = shared_from_this()] { self->run_later(); });
}

void InlineStrand::run_later() {
  {
    const Inside inside{this};
    run_queued();
  }
  hand_over();
}

}  // namespace spot
