// A strand whose first functions run on the thread that begins it, up to the first wait; what comes later runs by
// another executor. Never two at a time.
//
// This is how a coroutine is started without a hand-over to another thread: asio::co_spawn() dispatches its start and
// posts its end through the executor, and both run inside begin(). A completion that comes meanwhile from another
// thread waits for its turn, as does a cancellation, so a coroutine need not know where it runs.
//
// Thread: any. Lifetime: shared; pending functions keep it.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <type_traits>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/execution.hpp>

namespace spot {

namespace asio = boost::asio;

class InlineStrand : public std::enable_shared_from_this<InlineStrand> {
 public:
  explicit InlineStrand(asio::any_io_executor later) noexcept : later_{std::move(later)} {}
  InlineStrand(const InlineStrand&) = delete;
  InlineStrand& operator=(const InlineStrand&) = delete;

  // An executor in Asio's sense. With blocking.never a function always waits for its turn; without, one that comes from
  // inside the strand runs at once.
  class Executor {
   public:
    explicit Executor(std::shared_ptr<InlineStrand> strand) noexcept : strand_{std::move(strand)} {}

    template <class Function>
    void execute(Function&& function) const {
      if (!never_ && current_ == strand_.get()) {
        std::decay_t<Function> own{std::forward<Function>(function)};
        own();
      } else {
        strand_->push(std::make_unique<TaskOf<std::decay_t<Function>>>(std::forward<Function>(function)), never_);
      }
    }

    asio::execution_context& query(asio::execution::context_t) const noexcept { return strand_->later_.context(); }
    Executor require(asio::execution::blocking_t::never_t) const noexcept { return {strand_, true}; }
    Executor require(asio::execution::blocking_t::possibly_t) const noexcept { return {strand_, false}; }
    friend bool operator==(const Executor& a, const Executor& b) noexcept {
      return a.strand_ == b.strand_ && a.never_ == b.never_;
    }
    friend bool operator!=(const Executor& a, const Executor& b) noexcept { return !(a == b); }

   private:
    Executor(std::shared_ptr<InlineStrand> strand, bool never) noexcept : strand_{std::move(strand)}, never_{never} {}

    std::shared_ptr<InlineStrand> strand_;
    bool never_ = false;
  };

 protected:
  ~InlineStrand() = default;

  Executor executor() { return Executor{shared_from_this()}; }

  // Runs `start` and what it queues; when nothing is left to run, `settled`, and only then others may go on. Once, and
  // before anyone else knows of the strand.
  template <class Start, class Settled>
  void begin(Start&& start, Settled&& settled) {
    {
      const Inside inside{this};
      std::forward<Start>(start)();
      run_queued();
      std::forward<Settled>(settled)();
    }
    hand_over();
  }

 private:
  struct Task {
    Task() = default;
    Task(const Task&) = delete;
    Task& operator=(const Task&) = delete;
    virtual ~Task() = default;
    virtual void run() = 0;
  };
  template <class Function>
  struct TaskOf final : Task {
    explicit TaskOf(Function f) : function{std::move(f)} {}
    void run() override { function(); }
    Function function;
  };
  // Marks this thread as the one that runs the strand.
  class Inside {
   public:
    explicit Inside(InlineStrand* strand) noexcept : outer_{std::exchange(current_, strand)} {}
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;
    ~Inside() { current_ = outer_; }

   private:
    InlineStrand* outer_;
  };

  void push(std::unique_ptr<Task> task, bool never);
  std::unique_ptr<Task> pop();  // null: none left
  void run_queued();
  void hand_over();  // gives the strand back, or to `later_` where functions have come meanwhile
  void run_later();

  static inline thread_local InlineStrand* current_ = nullptr;

  const asio::any_io_executor later_;
  std::mutex mutex_;
  std::deque<std::unique_ptr<Task>> queue_;
  bool busy_ = true;  // someone runs, or is about to run, what is queued; at first that is begin()
};

// As asio::co_spawn(later, body, done), but that `body` runs here and now up to its first wait.
template <class T, class Done>
void spawn_here(asio::any_io_executor later, asio::awaitable<T> body, Done done) {
  struct Started final : InlineStrand {
    using InlineStrand::InlineStrand;
    void run(asio::awaitable<T> work, Done then) {
      begin([&] { asio::co_spawn(asio::any_io_executor{executor()}, std::move(work), std::move(then)); }, [] {});
    }
  };
  std::make_shared<Started>(std::move(later))->run(std::move(body), std::move(done));
}

}  // namespace spot
