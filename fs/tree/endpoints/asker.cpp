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

std::size_t index_of(Sending how) { return static_cast<std::size_t>(how); }

// A message has no reply.
bool concerns(Sending how, ResultKind kind) { return kind == ResultKind::error || how == Sending::query; }

}  // namespace

// What is under way. Whatever ends it, it is over when this goes.
class Asker::Flight {
 public:
  Flight(std::shared_ptr<Asker> asker, std::uint64_t request, Sending how)
      : asker_{std::move(asker)}, request_{request}, how_{how} {
    number_ = asker_->state_.with([=](State& state) {
      const std::uint64_t number = Asker::begin(state, how);
      state.under_way.emplace(number, std::make_shared<spot::Event>());
      if (const auto at = state.requests.find(request); at != state.requests.end()) at->second.begun = true;
      return number;
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
  const std::chrono::milliseconds timeout = self->hub().timeout(self->key());
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
    std::shared_ptr<spot::Event> out = std::move(at->second);
    state.under_way.erase(at);
    state.requests.erase(request);
    publish(state, number, answer, how);
    return out;
  });
  event->set();
}

std::uint64_t Asker::begin(State& state, Sending how) { return state.begun.at(index_of(how)) = ++state.last; }

// A message may come later than a query, whose reply is the last one all the same: `error` goes with that.
void Asker::publish(State& state, std::uint64_t number, const spot::Answer<Bytes>& answer, Sending how) {
  const std::uint64_t query = state.shown.at(index_of(Sending::query)),
                      message = state.shown.at(index_of(Sending::message));
  if (number < (how == Sending::query ? query : std::max(query, message))) return;
  state.shown.at(index_of(how)) = number;
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
    const std::string text = why == fail(ESPIPE) ? "not written from start to end: nothing was sent" : "";
    state_.with([&](State& state) { publish(state, begin(state, how), spot::Failure{why, text}, how); });
  }
}

std::uint64_t Asker::draw() {
  return state_.with([](State& state) { return ++state.written; });
}

void Asker::add(std::uint64_t number, std::weak_ptr<Outgoing> request, Sending how) {
  state_.with([&](State& state) {
    std::erase_if(state.requests, [](const auto& one) { return one.second.message.expired(); });
    state.requests.emplace(number, Request{std::move(request), how, false});
  });
}

std::shared_ptr<Outgoing> Asker::held(ResultKind kind) const {
  const auto requests = state_.with([](const State& state) { return state.requests; });
  for (const auto& [number, one] : requests) {
    std::shared_ptr<Outgoing> request = one.begun || !concerns(one.how, kind) ? nullptr : one.message.lock();
    if (request && request->is_held()) return request;
  }
  return nullptr;
}

// --- Numbers ---------------------------------------------------------------------------------------------------------

// Of what was asked last, if it is under way.
std::vector<std::shared_ptr<spot::Event>> Asker::awaited(const State& state, ResultKind kind) {
  std::vector<std::shared_ptr<spot::Event>> out;
  for (const Sending how : {Sending::query, Sending::message}) {
    const auto last = state.under_way.find(state.begun.at(index_of(how)));
    if (concerns(how, kind) && last != state.under_way.end()) out.push_back(last->second);
  }
  return out;
}

bool Asker::is_awaited(const State& state, ResultKind kind) {
  if (!awaited(state, kind).empty()) return true;
  return std::ranges::any_of(state.requests, [kind](const auto& one) {
    const std::shared_ptr<Outgoing> request = one.second.message.lock();
    return !one.second.begun && concerns(one.second.how, kind) && request && request->is_held();
  });
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

asio::awaitable<Result<void>> Asker::settle(std::shared_ptr<Asker> self, ResultKind kind, bool nonblocking) {
  const auto deadline = std::chrono::steady_clock::now() + self->hub().timeout(self->key());
  while (const std::shared_ptr<Outgoing> request = self->held(kind)) {
    if (nonblocking) co_return fail(EAGAIN);
    if (request->is_flushed()) {
      const Result<void> tried = co_await self->send_for(request);
      if (!tried) co_return tried.error();
    } else {
      const Result<void> waited = co_await wait(request->over(), deadline);
      if (!waited) co_return waited.error();
    }
  }
  const auto last = self->state_.with([kind](const State& state) { return awaited(state, kind); });
  for (const std::shared_ptr<spot::Event>& over : last) {
    if (nonblocking) co_return fail(EAGAIN);
    const Result<void> waited = co_await spot::Event::wait(over);
    if (!waited) co_return waited.error();
  }
  co_return Result<void>{};
}

}  // namespace spotfs::tree
