#include "fs/tree/endpoints/request.hpp"

#include <cerrno>

#include <unistd.h>

namespace spotfs::tree {
namespace {

std::string target_of(const std::string& address) { return address.substr(0, address.find('/')); }

}  // namespace

Request::Request(HubPtr hub, std::string address)
    : hub_{std::move(hub)},
      address_{std::move(address)},
      attributes_{hub_->attributes(target_of(address_), S_IFREG, 0600)} {}

Request::~Request() { hub_->nodes.forget(address_ + "/request"); }

asio::awaitable<Result<Attributes>> Request::attributes(Caller) { co_return attributes_; }

asio::awaitable<Result<void>> Request::access(Caller caller, int mask) {
  if ((mask & R_OK) != 0) co_return fail(EACCES);
  co_return hub_->options.access.check(attributes_, caller, mask);
}

asio::awaitable<Result<Opened>> Request::open(Caller caller, int flags) {
  if ((flags & O_ACCMODE) != O_WRONLY) co_return fail(EACCES);
  const Result<void> allowed = hub_->options.access.check(attributes_, caller, W_OK);
  if (!allowed) co_return allowed.error();
  const AskerKey key{address_, caller.uid};
  const std::shared_ptr<Asker> asker = hub_->asker(key);
  auto file = std::make_shared<OpenRequest>(asker, hub_->options.thread_group(caller.tid));
  asker->add(file);
  Opened opened{std::move(file)};
  opened.direct_io = true;
  opened.nonseekable = true;
  co_return opened;
}

asio::awaitable<Result<Attributes>> Request::set_attributes(Caller caller, AttributeChanges changes,
                                                            std::shared_ptr<OpenFile> file) {
  if (!changes.size) co_return attributes_;
  if (*changes.size != 0) co_return fail(EINVAL);
  if (file) {
    const auto request = std::dynamic_pointer_cast<OpenRequest>(file);
    const Result<void> done = request ? request->empty() : Result<void>{fail(EBADF)};
    if (!done) co_return done.error();
  } else {
    const Result<void> allowed = hub_->options.access.check(attributes_, caller, W_OK);
    if (!allowed) co_return allowed.error();
    const AskerKey key{address_, caller.uid};
    const Result<void> sent = co_await Asker::send(hub_->asker(key), Bytes{});
    if (!sent) co_return sent.error();
  }
  co_return attributes_;
}

asio::awaitable<Result<std::size_t>> OpenRequest::write(Caller, Write write) {
  if (write.data.empty()) co_return std::size_t{0};
  enum class Verdict { taken, after_it_was_sent, elsewhere, too_large };
  const auto [verdict, first] = state_.with([&](State& state) {
    state.flushed = false;
    if (state.sent) return std::pair{Verdict::after_it_was_sent, false};
    if (state.refused) return std::pair{Verdict::too_large, false};
    if (!write.append && write.offset != state.body.size()) return std::pair{Verdict::elsewhere, false};
    if (write.data.size() > kMaxBody - state.body.size()) {
      state.refused = true;
      state.asks = false;
      state.body = Bytes{};
      return std::pair{Verdict::too_large, true};
    }
    spot::append(state.body, write.data);
    state.asks = true;
    return std::pair{Verdict::taken, false};
  });
  switch (verdict) {
    case Verdict::taken: break;
    case Verdict::after_it_was_sent: asker_->note(fail(EPIPE), "already sent; use call"); co_return fail(EPIPE);
    case Verdict::elsewhere: co_return fail(ESPIPE);
    case Verdict::too_large:
      if (first) asker_->refuse(make_error_code(Errc::too_large));
      co_return make_error_code(Errc::too_large);
  }
  co_return write.data.size();
}

asio::awaitable<Result<void>> OpenRequest::flush(Caller caller) {
  const bool by_opener = opener_ && asker_->hub().options.thread_group(caller.tid) == opener_;
  enum class Step { none, refused, send };
  const Step step = state_.with([&](State& state) {
    state.flushed = by_opener;
    if (!by_opener || state.sent) return Step::none;
    if (state.refused) return Step::refused;
    if (!state.asks) state.redirect = true;
    return state.redirect ? Step::none : Step::send;
  });
  if (step == Step::refused) co_return make_error_code(Errc::too_large);
  if (step == Step::send) co_return co_await send(shared_from_this());
  co_return Result<void>{};
}

asio::awaitable<Result<void>> OpenRequest::fsync(Caller, bool) { return send(shared_from_this()); }

asio::awaitable<void> OpenRequest::release(Caller) {
  static_cast<void>(co_await send(shared_from_this()));
  over_->set();
}

Result<void> OpenRequest::empty() {
  return state_.with([](State& state) -> Result<void> {
    if (state.sent) return fail(EPIPE);
    state.flushed = false;
    if (!state.refused) state.asks = true;
    state.body.clear();
    return {};
  });
}

bool OpenRequest::is_held() const {
  return !over_->is_set() && state_.with([](const State& state) { return state.redirect && state.asks; });
}

bool OpenRequest::is_flushed() const {
  return state_.with([](const State& state) { return state.flushed && !state.sent; });
}

asio::awaitable<Result<void>> OpenRequest::send(std::shared_ptr<OpenRequest> self) {
  std::optional<Bytes> body = self->state_.with([](State& state) -> std::optional<Bytes> {
    if (!state.asks || state.sent) return std::nullopt;
    state.sent = true;
    return std::move(state.body);
  });
  if (!body) co_return Result<void>{};
  struct Over {
    spot::Event& event;
    ~Over() { event.set(); }
  };
  const Over over{*self->over_};
  co_return co_await Asker::send(self->asker_, *std::move(body));
}

}  // namespace spotfs::tree
