#include "fs/tree/endpoints/call.hpp"

#include <cerrno>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <unistd.h>

#include "fs/tree/endpoints/result.hpp"
#include "fs/tree/finish.hpp"
#include "fs/tree/interrupt.hpp"

namespace spotfs::tree {
namespace {

constexpr std::size_t kOverhead = 4'096;  // of a query that is under way, besides its bytes

asio::awaitable<spot::Answer<Bytes>> ask(HubPtr hub, AskerKey key, Bytes body) {
  const std::chrono::milliseconds timeout = hub->timeout(key);
  co_return co_await hub->options.query(std::move(key.address), std::move(body), timeout);
}

}  // namespace

CallFile::CallFile(HubPtr hub, std::string path, std::string address)
    : hub_{std::move(hub)},
      path_{std::move(path)},
      address_{std::move(address)},
      attributes_{hub_->attributes(target_of(address_), S_IFREG, 0600)} {}

asio::awaitable<Result<Attributes>> CallFile::attributes(Caller) { co_return attributes_; }

asio::awaitable<Result<void>> CallFile::access(Caller caller, int mask) {
  co_return hub_->options.access.check(attributes_, caller, mask);
}

asio::awaitable<Result<Opened>> CallFile::open(Caller caller, int flags) {
  if ((flags & O_ACCMODE) != O_RDWR) co_return fail(EACCES);
  const Result<void> allowed = hub_->options.access.check(attributes_, caller, R_OK | W_OK);
  if (!allowed) co_return allowed.error();
  AskerKey key{address_, caller.uid};
  Opened opened{std::make_shared<OpenCall>(hub_, std::move(key), (flags & O_NONBLOCK) != 0)};
  opened.direct_io = true;
  opened.nonseekable = true;
  opened.no_flush = true;
  co_return opened;
}

asio::awaitable<Result<Attributes>> CallFile::set_attributes(Caller, AttributeChanges changes,
                                                             std::shared_ptr<OpenFile> file) {
  if (!changes.size) co_return attributes_;
  const auto call = std::dynamic_pointer_cast<OpenCall>(file);
  if (*changes.size != 0 || !call) co_return fail(EINVAL);
  const Result<void> emptied = call->empty();
  if (!emptied) co_return emptied.error();
  co_return attributes_;
}

// The answer is under the lock of its file's state; `over` is set after it.
struct OpenCall::Exchange {
  explicit Exchange(const asio::any_io_executor& executor) : strand{asio::make_strand(executor)} {}

  const asio::strand<asio::any_io_executor> strand;
  asio::cancellation_signal stop;  // on the strand
  const std::shared_ptr<spot::Event> over = std::make_shared<spot::Event>();
  std::optional<Result<Content>> answer;
  std::size_t position = 0;
  std::size_t readers = 0;  // who wait
  bool polled = false;      // somebody waits without a call under way

  static void cancel(const std::shared_ptr<Exchange>& self) {
    if (self && !self->over->is_set())
      asio::post(self->strand, [self] { self->stop.emit(asio::cancellation_type::all); });
  }
};

Result<void> OpenCall::add(BytesView data, Add how) {
  ExchangePtr dropped;
  std::unique_ptr<Poller> poller;  // that there is something to send, or a refusal to read, is news
  const Result<void> added = state_.with([&](State& state) -> Result<void> {
    if (state.exchange) {
      if (!state.exchange->answer && (state.exchange->readers != 0 || state.exchange->polled)) return fail(EBUSY);
      dropped = std::exchange(state.exchange, nullptr);
      state.share.clear();
    }
    if (state.refusal) return state.refusal;
    poller = std::move(state.poller);
    if (how == Add::first) state.body.clear();
    if (data.size() > kMaxMessage - state.body.size()) {
      state.refusal = make_error_code(Errc::too_large);
    } else if (!state.share.take(data.size() + (state.asks ? 0 : kOverhead))) {
      state.refusal = fail(ENOBUFS);
    }
    if (state.refusal) {
      state.asks = false;
      state.body = Bytes{};
      state.share.clear();
      return state.refusal;
    }
    spot::append(state.body, data);
    state.asks = true;
    return {};
  });
  Exchange::cancel(dropped);
  if (poller) poller->notify();
  return added;
}

asio::awaitable<Result<std::size_t>> OpenCall::write(Caller, Write write) {
  const Result<void> added = add(write.data, Add::more);
  if (!added) co_return added.error();
  co_return write.data.size();
}

Result<void> OpenCall::empty() { return add({}, Add::first); }

std::optional<Bytes> OpenCall::take_query(State& state) const {
  if (!state.asks) return std::nullopt;
  state.exchange = std::make_shared<Exchange>(hub_->options.executor);
  state.asks = false;
  return std::exchange(state.body, Bytes{});
}

void OpenCall::start(const ExchangePtr& exchange, Bytes body) {
  hub_->use(key_);
  asio::co_spawn(
      exchange->strand, ask(hub_, key_, std::move(body)),
      asio::bind_cancellation_slot(
          exchange->stop.slot(),
          [self = shared_from_this(), exchange](const std::exception_ptr& thrown, spot::Answer<Bytes> answer) {
            self->finish(exchange, thrown ? spot::Answer<Bytes>{spot::Failure{code_of(thrown)}} : std::move(answer));
          }));
}

void OpenCall::finish(const ExchangePtr& exchange, spot::Answer<Bytes> answer) {
  std::unique_ptr<Poller> poller;
  const spot::Failure failure = state_.with([&](State& state) {
    spot::Failure why = answer ? spot::Failure{} : answer.error();
    const bool is_wanted = state.exchange == exchange;
    if (is_wanted && answer && !state.share.take(answer->size()))
      why = spot::Failure{fail(ENOBUFS), "answered, but there is no room to keep the reply"};
    exchange->answer = why.code ? Result<Content>{why.code} : Result<Content>{Content{std::move(*answer)}};
    if (!is_wanted) return spot::Failure{};
    poller = std::move(state.poller);
    return why;
  });
  if (failure.code) hub_->note(key_, make_error(hub_, key_, failure, new_inode_number()));
  exchange->over->set();
  if (poller) poller->notify();
}

asio::awaitable<Result<Content>> OpenCall::read(Caller, std::uint64_t, std::size_t size) {
  co_await ends_at_once();
  // Counts whoever waits.
  struct Waiting {
    spot::Synchronized<State>& state;
    ExchangePtr exchange;
    ~Waiting() {
      if (!exchange) return;
      state.with([this](State&) { --exchange->readers; });
    }
  };
  Waiting waiting{state_, nullptr};
  std::error_code refusal;
  std::optional<Bytes> query;
  const ExchangePtr exchange = state_.with([&](State& state) {
    refusal = std::exchange(state.refusal, std::error_code{});
    query = take_query(state);
    if (!state.exchange) return state.exchange;
    if (nonblocking_) {
      state.exchange->polled = true;
    } else {
      ++state.exchange->readers;
      waiting.exchange = state.exchange;
    }
    return state.exchange;
  });
  if (refusal) co_return refusal;
  if (!exchange) co_return Content{};
  if (query) start(exchange, *std::move(query));
  if (!exchange->over->is_set()) {
    if (nonblocking_) co_return fail(EAGAIN);
    const Result<void> waited = co_await spot::Event::wait(exchange->over);
    if (!waited) co_return waited.error();
  }
  co_return take(exchange, size);
}

Result<Content> OpenCall::take(const ExchangePtr& exchange, std::size_t size) {
  return state_.with([&](State& state) -> Result<Content> {
    if (state.exchange != exchange) return Content{};  // another reader had its end
    const Result<Content> answer = *exchange->answer;
    Content part = answer ? answer->part(exchange->position, size) : Content{};
    exchange->position += part.bytes().size();
    if (part.bytes().empty()) {
      state.exchange.reset();
      state.share.clear();
      if (!answer) return answer.error();
    }
    return part;
  });
}

asio::awaitable<Result<unsigned>> OpenCall::poll(Caller, std::unique_ptr<Poller> poller) {
  std::optional<Bytes> query;
  ExchangePtr exchange;
  const unsigned events = state_.with([&](State& state) {
    query = take_query(state);
    exchange = state.exchange;
    if (exchange) exchange->polled = true;
    if (poller) std::swap(state.poller, poller);
    const bool is_answered = exchange && exchange->answer;
    unsigned out = 0;
    if (!exchange || is_answered) out |= POLLOUT | POLLWRNORM;
    if (state.refusal || is_answered) out |= POLLIN | POLLRDNORM;
    return out;
  });
  if (query) start(exchange, *std::move(query));
  co_return events;
}

asio::awaitable<void> OpenCall::release(Caller) {
  std::unique_ptr<Poller> poller;
  Exchange::cancel(state_.with([&](State& state) {
    poller = std::move(state.poller);
    return std::exchange(state.exchange, nullptr);
  }));
  co_return;
}

}  // namespace spotfs::tree
