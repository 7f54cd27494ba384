#include "fs/tree/endpoints/asker.hpp"

#include <algorithm>
#include <cerrno>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include "client/net/inline_strand.hpp"
#include "fs/tree/endpoints/result.hpp"

namespace spotfs::tree {

namespace {

constexpr const char* kNoReply = "/noreply";

asio::awaitable<Result<void>> wait(std::shared_ptr<spot::Event> event, asio::steady_timer::time_point deadline) {
  using namespace asio::experimental::awaitable_operators;  // NOLINT: an operator
  asio::steady_timer timer{co_await asio::this_coro::executor, deadline};
  boost::system::error_code stopped;
  auto first = co_await (spot::Event::wait(std::move(event)) ||
                         timer.async_wait(asio::redirect_error(asio::use_awaitable, stopped)));
  if (first.index() == 0) co_return std::get<0>(first);
  co_return make_error_code(stopped ? Errc::cancelled : Errc::timed_out);
}

}  // namespace

// What is under way. Whatever ends it, it is over when this goes.
class Asker::Flight {
 public:
  Flight(std::shared_ptr<Asker> asker, std::uint64_t request, Sending how)
      : asker_{std::move(asker)}, request_{request}, how_{how} {
    number_ = asker_->state_.with([how](State& state) {
      state.under_way.emplace(++state.last, UnderWay{std::make_shared<spot::Event>(), how});
      return state.last;
    });
    asker_->hub().use(asker_->key());
  }
  ~Flight() { asker_->over(number_, request_, answer_, how_); }
  Flight(const Flight&) = delete;
  Flight& operator=(const Flight&) = delete;

  const spot::Answer<Bytes>& land(spot::Answer<Bytes> answer) { return answer_ = std::move(answer); }

 private:
  const std::shared_ptr<Asker> asker_;
  const std::uint64_t request_;
  const Sending how_;
  std::uint64_t number_ = 0;
  spot::Answer<Bytes> answer_{spot::Failure{Errc::cancelled}};  // unless it lands
};

asio::awaitable<Result<void>> Asker::send(std::shared_ptr<Asker> self, std::uint64_t request, Bytes body, Sending how) {
  Flight flight{self, request, how};
  const EndpointsOptions& options = self->hub().options;
  const std::string& address = self->key().address;
  const std::chrono::milliseconds timeout = self->hub().timeout(address);
  spot::Answer<Bytes> came{Bytes{}};
  if (how == Sending::query) {
    came = co_await options.query(address, std::move(body), timeout);
  } else {
    const spot::Answer<void> sent = co_await options.send(address, std::move(body), kNoReply, timeout);
    if (!sent) came = sent.error();
  }
  const spot::Answer<Bytes>& answer = flight.land(std::move(came));
  if (!answer) co_return answer.error().code;
  co_return Result<void>{};
}

void Asker::over(std::uint64_t number, std::uint64_t request, const spot::Answer<Bytes>& answer, Sending how) {
  const std::shared_ptr<spot::Event> event = state_.with([&](State& state) {
    const auto at = state.under_way.find(number);
    std::shared_ptr<spot::Event> out = std::move(at->second.over);
    state.under_way.erase(at);
    state.requests.erase(request);
    publish(state, answer, how);
    return out;
  });
  event->set();
}

void Asker::publish(State& state, const spot::Answer<Bytes>& answer, Sending how) {
  const std::uint64_t error = take_number(state, ResultKind::error);
  if (how == Sending::query) {
    hub_->finish(key_, make_results(hub_, key_, answer, take_number(state, ResultKind::reply), error));
  } else {
    hub_->note(key_, answer ? no_error(hub_, key_, error) : make_error(hub_, key_, answer.error(), error));
  }
}

void Asker::refuse(std::error_code why, Sending how) {
  hub_->use(key_);
  if (why == fail(EPIPE)) {
    const std::string text = how == Sending::query ? "already sent; use call" : "already sent";
    state_.with([&](State& state) {
      hub_->note(key_, make_error(hub_, key_, spot::Failure{why, text}, take_number(state, ResultKind::error)));
    });
  } else {
    state_.with([&](State& state) { publish(state, spot::Failure{why}, how); });
  }
}

std::uint64_t Asker::draw() {
  return state_.with([](State& state) { return ++state.written; });
}

void Asker::add(std::uint64_t number, std::weak_ptr<Outgoing> request, Sending how) {
  state_.with([&](State& state) {
    std::erase_if(state.requests, [](const auto& one) { return one.second.message.expired(); });
    state.requests.emplace(number, Request{std::move(request), how});
  });
}

std::shared_ptr<Outgoing> Asker::held() const {
  const auto requests = state_.with([](const State& state) { return state.requests; });
  for (const auto& [number, one] : requests) {
    std::shared_ptr<Outgoing> request = one.message.lock();
    if (request && request->is_held()) return request;
  }
  return nullptr;
}

// --- Numbers ---------------------------------------------------------------------------------------------------------

// A message has no reply.
bool Asker::is_awaited(const State& state, ResultKind kind) {
  const auto concerns = [kind](Sending how) { return kind == ResultKind::error || how == Sending::query; };
  for (const auto& [number, one] : state.under_way) {
    if (concerns(one.how)) return true;
  }
  for (const auto& [number, one] : state.requests) {
    const std::shared_ptr<Outgoing> request = one.message.lock();
    if (concerns(one.how) && request && request->is_held()) return true;
  }
  return false;
}

std::uint64_t Asker::take_number(State& state, ResultKind kind) {
  auto& promised = state.promised.at(static_cast<std::size_t>(kind));
  if (!promised || is_awaited(state, kind)) return new_inode_number();
  return *std::exchange(promised, std::nullopt);
}

std::uint64_t Asker::inode_number(const Node& file, ResultKind kind, std::uint64_t own) {
  return state_.with([&](State& state) {
    if (!is_awaited(state, kind)) return own;
    const std::optional<Finished> last = hub_->finished(key_);
    const NodePtr shown = !last ? nullptr : kind == ResultKind::reply ? last->reply : last->error;
    if (shown && shown.get() != &file) return own;
    auto& promised = state.promised.at(static_cast<std::size_t>(kind));
    if (!promised) promised = new_inode_number();
    return *promised;
  });
}

// Sends it on its own: who waits may go, and the query goes on. How it goes is in the results.
asio::awaitable<Result<void>> Asker::send_for(std::shared_ptr<Outgoing> request) {
  const auto tried = std::make_shared<spot::Event>();
  spot::spawn_here(hub_->options.executor, Outgoing::send(std::move(request)),
                   [tried](const std::exception_ptr&, const Result<void>&) { tried->set(); });
  return spot::Event::wait(tried);
}

asio::awaitable<Result<void>> Asker::settle(std::shared_ptr<Asker> self, bool nonblocking) {
  const auto deadline = std::chrono::steady_clock::now() + self->hub().timeout(self->key().address);
  while (const std::shared_ptr<Outgoing> request = self->held()) {
    if (nonblocking) co_return fail(EAGAIN);
    if (request->is_flushed()) {
      const Result<void> tried = co_await self->send_for(request);
      if (!tried) co_return tried.error();
    } else {
      const Result<void> waited = co_await wait(request->over(), deadline);
      if (!waited) co_return waited.error();
    }
  }
  const std::uint64_t last = self->state_.with([](const State& state) { return state.last; });
  for (;;) {
    const std::shared_ptr<spot::Event> first =
        self->state_.with([&](const State& state) -> std::shared_ptr<spot::Event> {
          const auto at = state.under_way.begin();
          return at == state.under_way.end() || at->first > last ? nullptr : at->second.over;
        });
    if (!first) co_return Result<void>{};
    if (nonblocking) co_return fail(EAGAIN);
    const Result<void> waited = co_await spot::Event::wait(first);
    if (!waited) co_return waited.error();
  }
}

}  // namespace spotfs::tree
