#include "fs/store/at_once.hpp"

#include <algorithm>
#include <memory>
#include <optional>

#include <boost/asio/co_spawn.hpp>

#include "client/base/sync.hpp"
#include "client/net/event.hpp"

namespace spotfs {

using spot::Answer;
using spot::Errc;
using spot::Failure;
using spot::Result;

namespace {

struct Job {
  Job(std::size_t all, Work what) : count{all}, work{std::move(what)} {}
  const std::size_t count;
  const Work work;
  struct State {
    std::size_t next = 0, workers = 0;
    std::optional<Failure> failure;
  };
  spot::Synchronized<State> state;
};

asio::awaitable<void> do_some(std::shared_ptr<Job> job) {
  for (;;) {
    const std::optional<std::size_t> number = job->state.with([&](Job::State& state) -> std::optional<std::size_t> {
      if (state.failure || state.next == job->count) return std::nullopt;
      return state.next++;
    });
    if (!number) co_return;
    const Answer<void> done = co_await job->work(*number);
    if (done) continue;
    job->state.with([&](Job::State& state) {
      if (!state.failure) state.failure = done.error();
    });
  }
}

}  // namespace

asio::awaitable<Answer<void>> do_at_once(asio::any_io_executor executor, std::size_t count, std::size_t at_once,
                                         Work work) {
  if (count == 0) co_return Answer<void>{};
  const auto job = std::make_shared<Job>(count, std::move(work));
  auto done = std::make_shared<spot::Event>();
  const std::size_t workers = std::min(count, at_once);
  job->state.with([&](Job::State& state) { state.workers = workers; });
  for (std::size_t i = 0; i < workers; ++i) {
    asio::co_spawn(executor, do_some(job), [job, done](const std::exception_ptr& thrown) {
      const bool last = job->state.with([&](Job::State& state) {
        if (thrown && !state.failure) state.failure = Failure{Errc::storage_failed};
        return --state.workers == 0;
      });
      if (last) done->set();
    });
  }
  const Result<void> waited = co_await spot::Event::wait(std::move(done));
  if (!waited) {
    job->state.with([&](Job::State& state) {
      if (!state.failure) state.failure = Failure{waited.error()};
    });
    co_return Failure{waited.error()};
  }
  co_return job->state.with([](const Job::State& state) -> Answer<void> {
    if (state.failure) return *state.failure;
    return {};
  });
}

}  // namespace spotfs
