#include "fs/tree/control/ctl_file.hpp"

#include <cerrno>

#include <unistd.h>

#include "client/base/encoding.hpp"
#include "fs/tree/interrupt.hpp"

namespace spotfs::tree {
namespace {

Outcome refused(spot::Failure why) { co_return why; }

Attributes attributes_of(const ControlOptions& control) {
  Attributes out = own_attributes(control.access, S_IFREG | (control.peers ? 0660 : 0600));
  if (control.peers) out.gid = *control.peers;
  return out;
}

}  // namespace

CtlFile::CtlFile(std::shared_ptr<const ControlOptions> control)
    : control_{std::move(control)}, attributes_{attributes_of(*control_)} {}

asio::awaitable<Result<Attributes>> CtlFile::attributes(Caller) { co_return attributes_; }

asio::awaitable<Result<Attributes>> CtlFile::set_attributes(Caller caller, AttributeChanges changes,
                                                            std::shared_ptr<OpenFile>) {
  const Result<void> allowed = control_->access.check(attributes_, caller, changes);
  if (!allowed) co_return allowed.error();
  co_return attributes_;
}

asio::awaitable<Result<void>> CtlFile::access(Caller caller, int mask) {
  co_return control_->access.check(attributes_, caller, mask);
}

asio::awaitable<Result<Opened>> CtlFile::open(Caller caller, int flags) {
  const int how = flags & O_ACCMODE;
  const int mask = how == O_RDONLY ? R_OK : how == O_WRONLY ? W_OK : R_OK | W_OK;
  const Result<void> allowed = control_->access.check(attributes_, caller, mask);
  if (!allowed) co_return allowed.error();
  const bool of_peers = caller.uid != control_->access.uid && caller.uid != 0;
  Share share{of_peers ? opens_of_peers_ : nullptr};
  if (!share.take(1)) co_return fail(ENOBUFS);
  Opened opened{std::make_shared<OpenCtl>(control_, caller, flags, of_peers, std::move(share))};
  opened.direct_io = true;
  opened.nonseekable = true;
  co_return opened;
}

void OpenCtl::begin(State& state) {
  spot::Answer<Called> called = find_command(state.line);
  if (called && of_peers_ && !is_for_peers(*called))
    called = spot::Failure{
        fail(EACCES), spot::printable(control_->choices.directory) + ": only the user who mounted it may control it"};
  state.line.clear();
  const std::uint64_t input = called ? called->input : 0;
  state.exchange = std::make_shared<Exchange>(control_->executor, caller_, input, reads());
  state.exchange->start(called ? called->command->run(control_, state.exchange, called->arguments)
                               : refused(called.error()));
}

ExchangePtr OpenCtl::current() {
  return state_.with([&](State& state) {
    if (!state.exchange && !state.line.empty()) begin(state);
    return state.exchange;
  });
}

asio::awaitable<Result<std::size_t>> OpenCtl::write(Caller, Write write) {
  co_await ends_at_once();
  const std::size_t size = write.data.size();
  std::string_view rest = spot::as_text(write.data);
  bool began = false;  // a command, in this write
  while (!rest.empty()) {
    ExchangePtr takes;
    const Result<void> taken = state_.with([&](State& state) -> Result<void> {
      if (state.exchange && state.exchange->wants_input()) {
        takes = state.exchange;
        return {};
      }
      if (began) return fail(EINVAL);
      if (state.exchange && !state.exchange->is_over()) return fail(EBUSY);
      state.exchange.reset();  // nobody will read the rest of what it said
      const std::size_t end = rest.find('\n');
      const std::string_view part = rest.substr(0, end);
      if (part.size() > kMaxLine - state.line.size()) return fail(EMSGSIZE);
      state.line.append(part);
      rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
      began = end != rest.npos && !state.line.empty();
      if (began) begin(state);
      return {};
    });
    if (!taken) co_return taken.error();
    if (!takes) continue;
    const Bytes input = spot::to_bytes(rest);
    const Result<std::size_t> given = co_await takes->give(input);
    const bool is_interrupted = !given && given.error() == spot::Errc::cancelled;
    if (!given && (!is_interrupted || rest.size() == size)) co_return given.error();
    if (given) rest.remove_prefix(*given);
    // Whoever writes the rest again must not repeat what was taken.
    if (is_interrupted || *given < input.size()) break;
  }
  co_return size - rest.size();
}

asio::awaitable<Result<Content>> OpenCtl::read(Caller, std::uint64_t, std::size_t size) {
  co_await ends_at_once();
  if (!reads()) co_return fail(EBADF);
  const ExchangePtr exchange = current();
  if (!exchange) co_return Content{};
  Result<Bytes> some = co_await exchange->read(size, (flags_ & O_NONBLOCK) != 0);
  if (!some) co_return some.error();
  if (some->empty()) {
    state_.with([&](State& state) {
      if (state.exchange == exchange) state.exchange.reset();
    });
  }
  co_return Content{std::move(*some)};
}

// Who reads finds the outcome there; a descriptor that is closed may be one of several.
asio::awaitable<Result<void>> OpenCtl::flush(Caller) {
  co_await ends_at_once();
  if (reads()) co_return Result<void>{};
  const ExchangePtr exchange = current();
  if (!exchange || (exchange->wants_input() && !exchange->is_over())) co_return Result<void>{};
  const Result<void> outcome = co_await exchange->wait();
  state_.with([&](State& state) {
    if (state.exchange == exchange && exchange->is_over()) state.exchange.reset();
  });
  co_return outcome;
}

asio::awaitable<void> OpenCtl::release(Caller) {
  const ExchangePtr exchange = state_.with([](State& state) { return std::exchange(state.exchange, nullptr); });
  if (exchange) exchange->cancel();
  co_return;
}

}  // namespace spotfs::tree
