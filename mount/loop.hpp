// The io_context of a mount, and the threads that run it.
//
// Thread: run() and end() on one thread that does not run the context; interrupt() on any.
// Lifetime: what hangs on the context is destroyed before the loop, and after end(), which runs the context dry.
#pragma once

#include <chrono>
#include <condition_variable>
#include <exception>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>

#include "client/base/failure.hpp"

namespace spotfs::mount {

namespace asio = boost::asio;

class Loop {
 public:
  explicit Loop(unsigned threads);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  asio::io_context& context() noexcept { return context_; }

  // Waits for `work`; at the end of `limit`, or when it is interrupted, cancels it: timed_out or cancelled, unless it
  // succeeded at the last moment. What `work` throws is thrown.
  template <class T>
  spot::Answer<T> run(asio::awaitable<spot::Answer<T>> work, std::chrono::milliseconds limit);

  // Work that goes on by itself, until it ends or is cancelled.
  class Task {
   public:
    // Cancels it, and waits until it has ended.
    void end();

   private:
    friend class Loop;
    explicit Task(asio::io_context& context) : strand_{asio::make_strand(context)} {}

    asio::strand<asio::io_context::executor_type> strand_;
    asio::cancellation_signal cancel_;
    std::future<void> over_;
  };
  template <class T>
  std::unique_ptr<Task> start(asio::awaitable<spot::Answer<T>> work);

  // Ends the run() in progress, and each one to come until allow_runs().
  void interrupt();
  void allow_runs();
  bool interrupted() const;

  // Joins the threads when nothing is left to do; false where that did not happen within `limit`, and they were
  // stopped.
  bool end(std::chrono::milliseconds limit);

 private:
  asio::io_context context_;
  asio::executor_work_guard<asio::io_context::executor_type> guard_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool interrupted_ = false;
  std::size_t running_ = 0;
  std::vector<std::thread> threads_;
};

template <class T>
spot::Answer<T> Loop::run(asio::awaitable<spot::Answer<T>> work, std::chrono::milliseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  const auto strand = asio::make_strand(context_);
  const auto cancel = std::make_shared<asio::cancellation_signal>();
  std::exception_ptr thrown;
  std::optional<spot::Answer<T>> answer;
  const auto done = [&](std::exception_ptr error, spot::Answer<T> result) {
    const std::lock_guard lock{mutex_};
    thrown = std::move(error);
    answer.emplace(std::move(result));
    changed_.notify_all();
  };
  asio::co_spawn(strand, std::move(work), asio::bind_cancellation_slot(cancel->slot(), done));

  std::optional<spot::Failure> ended;
  std::unique_lock lock{mutex_};
  changed_.wait_until(lock, deadline, [&] { return answer || interrupted_; });
  if (!answer) {
    ended.emplace(interrupted_ ? spot::Errc::cancelled : spot::Errc::timed_out);
    asio::post(strand, [cancel] { cancel->emit(asio::cancellation_type::all); });
    changed_.wait(lock, [&] { return answer.has_value(); });
  }
  if (thrown && !ended) std::rethrow_exception(thrown);
  if (ended && (thrown || !*answer)) return *ended;
  return std::move(*answer);
}

// How the work ends is its own business, also where it throws.
template <class T>
std::unique_ptr<Loop::Task> Loop::start(asio::awaitable<spot::Answer<T>> work) {
  std::unique_ptr<Task> task{new Task{context_}};
  auto over = std::make_shared<std::promise<void>>();
  task->over_ = over->get_future();
  asio::co_spawn(task->strand_, std::move(work),
                 asio::bind_cancellation_slot(task->cancel_.slot(),
                                              [over](const std::exception_ptr&, const auto&) { over->set_value(); }));
  return task;
}

}  // namespace spotfs::mount
