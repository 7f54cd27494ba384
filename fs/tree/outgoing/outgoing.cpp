#include "fs/tree/outgoing/outgoing.hpp"

#include <cerrno>

#include "client/net/inline_strand.hpp"
#include "fs/tree/interrupt.hpp"

namespace spotfs::tree {
namespace {

constexpr std::size_t kOverhead = 4'096;  // of a message that is under way, besides its bytes

}  // namespace

Outgoing::Outgoing(OutgoingOptions options) : options_{std::move(options)}, state_{!options_.opener, options_.room} {}

std::error_code Outgoing::take(State& state, const Write& write, std::error_code why_not) const {
  const auto refuse = [&state](std::error_code why) {
    state.refusal = why;
    state.asks = false;
    state.body = Bytes{};
    state.share.clear();
    return why;
  };
  if (state.sent) return fail(EPIPE);
  if (state.refusal) return state.refusal;
  if (why_not) return refuse(why_not);
  if (!write.append && write.offset != state.body.size()) return refuse(fail(ESPIPE));
  if (write.data.size() > options_.limit - state.body.size()) return refuse(make_error_code(Errc::too_large));
  const std::size_t size = write.data.size() + (state.asks ? 0 : kOverhead);
  if (!state.share.take(size)) return refuse(fail(ENOBUFS));
  spot::append(state.body, write.data);
  state.asks = true;
  return {};
}

asio::awaitable<Result<std::size_t>> Outgoing::write(Caller, Write write) {
  if (write.data.empty()) co_return std::size_t{0};
  bool is_news = false;
  const std::error_code why_not = options_.check ? options_.check() : std::error_code{};
  const std::error_code wrong = state_.with([&](State& state) {
    state.flushed = false;
    is_news = !state.refusal;
    return take(state, write, why_not);
  });
  if (!wrong) co_return write.data.size();
  if (is_news && options_.refused) options_.refused(wrong);
  co_return wrong;
}

asio::awaitable<Result<void>> Outgoing::flush(Caller caller) {
  co_await ends_at_once();
  const std::optional<Thread> thread = options_.find_thread(caller.tid);
  const bool by_opener = options_.opener && thread && thread->group == *options_.opener;
  const auto [refusal, sends] = state_.with([&](State& state) {
    state.flushed = by_opener;
    if (!by_opener || state.sent) return std::pair{std::error_code{}, false};
    if ((!state.asks && !state.refusal) || thread->is_exiting) state.redirect = true;
    return std::pair{state.refusal, !state.redirect};
  });
  if (refusal) co_return refusal;
  if (sends) co_return co_await send(shared_from_this());
  co_return Result<void>{};
}

asio::awaitable<Result<void>> Outgoing::fsync(Caller, bool) {
  co_await ends_at_once();
  co_return co_await send(shared_from_this());
}

asio::awaitable<void> Outgoing::release(Caller) {
  const auto self = shared_from_this();
  spot::spawn_here(options_.executor, send(self),
                   [self](const std::exception_ptr&, const Result<void>&) { self->over_->set(); });
  co_return;
}

Result<void> Outgoing::empty() {
  return state_.with([](State& state) -> Result<void> {
    if (state.sent) return fail(EPIPE);
    if (state.refusal) return state.refusal;
    state.flushed = false;
    if (!state.asks && !state.share.take(kOverhead)) return fail(ENOBUFS);
    state.asks = true;
    state.body.clear();
    return {};
  });
}

Result<void> Outgoing::truncate(std::uint64_t size) {
  if (size == 0) return empty();
  return state_.with([&](const State& state) -> Result<void> {
    if (state.refusal) return state.refusal;
    if (state.sent) return fail(EPIPE);
    if (state.body.size() != size) return fail(EINVAL);
    return {};
  });
}

bool Outgoing::is_held() const {
  return !over_->is_set() && state_.with([](const State& state) { return state.redirect && state.asks; });
}

bool Outgoing::is_flushed() const {
  return state_.with([](const State& state) { return state.flushed && !state.sent; });
}

asio::awaitable<Result<void>> Outgoing::send(std::shared_ptr<Outgoing> self) {
  std::error_code refusal;
  std::optional<Bytes> message = self->state_.with([&](State& state) -> std::optional<Bytes> {
    refusal = state.refusal;
    if (!state.asks || state.sent) return std::nullopt;
    state.sent = true;
    return std::move(state.body);
  });
  if (refusal) co_return refusal;
  if (!message) co_return Result<void>{};
  struct Over {
    Outgoing& outgoing;
    ~Over() {
      outgoing.state_.with([](State& state) { state.share.clear(); });
      outgoing.over_->set();
    }
  };
  const Over over{*self};
  co_return co_await self->options_.deliver(*std::move(message));
}

}  // namespace spotfs::tree
