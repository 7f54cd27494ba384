#include "fs/tree/control/exchange.hpp"

#include <algorithm>
#include <cerrno>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include "fs/tree/finish.hpp"

namespace spotfs::tree {

using spot::Answer;
using spot::Failure;

// May change the state; if it says that it did, all who wait for a change look again.
template <class Change>
auto Exchange::change(Change&& change) {
  std::shared_ptr<spot::Event> before;
  auto result = state_.with([&](State& state) {
    auto made = change(state);
    if (std::exchange(state.touched, false)) before = std::exchange(state.changed, std::make_shared<spot::Event>());
    return made;
  });
  if (before) before->set();
  return result;
}

// --- The command -----------------------------------------------------------------------------------------------------

asio::awaitable<Result<void>> Exchange::say(json::object line) {
  if (!read_) co_return Result<void>{};
  const std::string text = to_line(line);
  for (;;) {
    bool abandoned = false;
    const auto full = change([&](State& state) -> std::shared_ptr<spot::Event> {
      abandoned = state.abandoned;
      if (abandoned) return nullptr;
      if (state.said.size() >= kMostUnread) return state.changed;
      state.said += text;
      state.touched = true;
      return nullptr;
    });
    if (abandoned) co_return make_error_code(Errc::cancelled);
    if (!full) co_return Result<void>{};
    const Result<void> waited = co_await spot::Event::wait(full);
    if (!waited) co_return waited.error();
  }
}

asio::awaitable<Result<Bytes>> Exchange::take() {
  for (;;) {
    std::shared_ptr<spot::Event> empty;
    Result<Bytes> taken = change([&](State& state) -> Result<Bytes> {
      state.touched = !state.input.empty();
      if (state.touched) return std::exchange(state.input, Bytes{});
      if (state.missing == 0) return Bytes{};
      if (state.cut) return make_error_code(Errc::bad_argument);
      empty = state.changed;
      return Bytes{};
    });
    if (!empty) co_return taken;
    const Result<void> waited = co_await spot::Event::wait(empty);
    if (!waited) co_return waited.error();
  }
}

void Exchange::start(asio::awaitable<Answer<void>> command) {
  asio::co_spawn(
      strand_, std::move(command),
      asio::bind_cancellation_slot(
          cancel_.slot(), [self = shared_from_this()](const std::exception_ptr& thrown, const Answer<void>& outcome) {
            self->finish(thrown ? Answer<void>{Failure{code_of(thrown)}} : outcome);
          }));
}

void Exchange::cancel() {
  change([](State& state) {
    state.abandoned = state.cut = state.touched = true;
    return 0;
  });
  asio::post(strand_, [self = shared_from_this()] { self->cancel_.emit(asio::cancellation_type::all); });
}

void Exchange::finish(const Answer<void>& outcome) {
  json::object last;
  if (outcome)
    last["done"] = true;
  else
    last = error_line(outcome.error());
  change([&](State& state) {
    if (read_) state.said += to_line(last);
    state.input.clear();
    state.over = state.touched = true;
    if (!outcome) state.outcome = outcome.error().code;
    return 0;
  });
}

// --- The open file ---------------------------------------------------------------------------------------------------

bool Exchange::wants_input() const {
  return state_.with([](const State& state) { return state.missing != 0; });
}

bool Exchange::is_over() const {
  return state_.with([](const State& state) { return state.over; });
}

asio::awaitable<Result<std::size_t>> Exchange::give(Bytes input) {
  for (std::size_t given = 0; given < input.size();) {
    std::shared_ptr<spot::Event> full;
    const Result<std::size_t> taken = change([&](State& state) -> Result<std::size_t> {
      if (input.size() - given > state.missing) return fail(EINVAL);
      if (state.over) {  // it has failed, and says why
        state.missing -= input.size() - given;
        return input.size() - given;
      }
      const std::size_t room = kMostUnread - std::min(kMostUnread, state.input.size());
      const std::size_t some = std::min(room, input.size() - given);
      if (some == 0) full = state.changed;
      spot::append(state.input, BytesView{input}.subspan(given, some));
      state.missing -= some;
      state.touched = some != 0;
      return some;
    });
    if (!taken) co_return taken.error();
    given += *taken;
    if (!full) continue;
    const Result<void> waited = co_await spot::Event::wait(full);
    if (!waited && given != 0) co_return given;
    if (!waited) co_return waited.error();
  }
  co_return input.size();
}

asio::awaitable<Result<Bytes>> Exchange::read(std::size_t size, bool nonblocking) {
  for (;;) {
    std::shared_ptr<spot::Event> nothing;
    Bytes some = change([&](State& state) {
      const std::size_t length = std::min(size, state.said.size());
      Bytes out = spot::to_bytes(std::string_view{state.said}.substr(0, length));
      state.said.erase(0, length);
      state.touched = length != 0;
      if (length == 0 && !state.over) nothing = state.changed;
      return out;
    });
    if (!nothing) co_return some;
    if (nonblocking) co_return fail(EAGAIN);
    const Result<void> waited = co_await spot::Event::wait(nothing);
    if (!waited) co_return waited.error();
  }
}

asio::awaitable<Result<void>> Exchange::wait() {
  for (;;) {
    const auto [over, outcome, changed] = state_.with([](const State& state) {
      return std::tuple{state.over, state.outcome, state.changed};
    });
    if (over && outcome) co_return outcome;
    if (over) co_return Result<void>{};
    const Result<void> waited = co_await spot::Event::wait(changed);
    if (!waited) co_return waited.error();
  }
}

}  // namespace spotfs::tree
