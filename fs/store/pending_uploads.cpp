// How what is pending reaches the store, and who waits for that.
#include <algorithm>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "client/base/encoding.hpp"
#include "fs/store/back_off.hpp"
#include "fs/store/pending_store.hpp"

namespace spotfs {

namespace {

constexpr std::chrono::nanoseconds kFar = std::chrono::hours{1};
constexpr std::size_t kSettleAfter = 512;  // blobs that were acknowledged

// Whatever is stored next meets the same.
bool is_about_all(const std::error_code& code) noexcept {
  return is_unreachable(code) || code == Errc::quota_exceeded || code == Errc::rate_exceeded ||
         code == Errc::cancelled || code == Errc::stopping;
}

}  // namespace

// --- Which ones ------------------------------------------------------------------------------------------------------

std::optional<std::int64_t> PendingStore::next_number(const State& state) const {
  const auto first_of = [&](const std::set<std::int64_t>& numbers) -> std::optional<std::int64_t> {
    for (const std::int64_t number : numbers) {
      const Entry& entry = state.entries.at(number);
      if (!state.flying.contains(entry.row.key) && (!entry.refusal || now() >= entry.again)) return number;
    }
    return std::nullopt;
  };
  std::optional<std::int64_t> value = first_of(state.values);
  // It may name the contents that came before it.
  if (value && !state.contents.empty() && *state.contents.begin() < *value) value.reset();
  const std::optional<std::int64_t> content = first_of(state.contents);
  return value && (!content || *value < *content) ? value : content;
}

std::optional<PendingStore::Upload> PendingStore::take(State& state) const {
  if (state.ended || (state.away && now() < state.again)) return std::nullopt;
  const std::optional<std::int64_t> number = next_number(state);
  if (!number) return std::nullopt;
  Entry& entry = state.entries.at(*number);
  entry.may_be_stored = true;
  state.flying.emplace(entry.row.key, std::make_shared<spot::Event>());
  return Upload{*number, entry.row.key, entry.bottle, entry.row.erases};
}

void PendingStore::start() {
  std::vector<Upload> uploads;
  const bool settles = state_.with([&](State& state) {
    while (state.workers < (state.away ? 1 : kAtOnce)) {
      std::optional<Upload> upload = take(state);
      if (!upload) break;
      ++state.workers;
      uploads.push_back(*std::move(upload));
    }
    const bool due = should_settle(state);
    state.settling = state.settling || due;
    return due;
  });
  for (Upload& upload : uploads) asio::co_spawn(executor_, work(shared_from_this(), std::move(upload)), asio::detached);
  if (settles)
    asio::co_spawn(
        executor_,
        [](std::shared_ptr<PendingStore> self) -> asio::awaitable<void> {
          static_cast<void>(co_await settle(std::move(self)));
        }(shared_from_this()),
        asio::detached);
}

asio::awaitable<void> PendingStore::work(std::shared_ptr<PendingStore> self, Upload upload) {
  std::optional<Upload> next = std::move(upload);
  while (next) {
    const Answer<void> done = co_await self->carry_out(*next);
    next = self->landed(*next, done);
  }
  self->start();
}

asio::awaitable<Answer<void>> PendingStore::carry_out(const Upload& upload) {
  if (upload.erases) co_return co_await options_.store->erase(upload.key);
  Bytes bottle;
  if (upload.bottle) {
    bottle = *upload.bottle;
  } else {
    Answer<Bytes> read = queue_->read(upload.number);
    if (!read) co_return read.error();
    bottle = *std::move(read);
  }
  co_return co_await options_.store->store(upload.key, std::move(bottle));
}

// What the worker goes on with; none: it ends.
std::optional<PendingStore::Upload> PendingStore::landed(const Upload& upload, const Answer<void>& done) {
  Answered answered;
  std::shared_ptr<spot::Event> flight;
  std::string refused;
  std::optional<Upload> next = state_.with([&](State& state) {
    const auto flying = state.flying.find(upload.key);
    flight = std::move(flying->second);
    state.flying.erase(flying);
    const auto at = state.entries.find(upload.number);
    Entry* const entry = at == state.entries.end() ? nullptr : &at->second;
    if (done) {
      state.away = false;
      state.pause = {};
      if (entry != nullptr) acknowledge(state, *entry);
    } else if (is_about_all(done.error().code)) {
      if (!state.away && !is_unreachable(done.error().code) && done.error().code != Errc::stopping)
        refused = "what was written waits for its upload";
      go_away(state, done.error());
      answered = take_failed(state, done.error(), [](const Waiter&) { return true; });
    } else if (entry != nullptr) {
      if (!entry->refusal) refused = upload.key + " waits for its upload";
      refuse(state, *entry, done.error());
      const bool is_content = is_content_key(upload.key);
      answered = take_failed(state, done.error(), [&](const Waiter& waiter) {
        return waiter.last >= upload.number && (is_content || waiter.strict == Strict::yes);
      });
    }
    Answered met = take_met(state);
    answered.insert(answered.end(), met.begin(), met.end());
    std::optional<Upload> more;
    if (state.workers <= (state.away ? 1 : kAtOnce)) more = take(state);
    if (!more) --state.workers;
    return more;
  });
  flight->set();
  give(answered);
  if (!done) alarm_->wake();
  if (!refused.empty()) {
    const std::string& text = done.error().text;
    tell(spot::printable(refused) + ": " + done.error().code.message() +
         (text.empty() ? "" : " (" + spot::printable(text) + ")") + "; it is kept, and tried again");
  }
  return next;
}

// --- What came of it -------------------------------------------------------------------------------------------------

void PendingStore::acknowledge(State& state, Entry& entry) {
  entry.acknowledged = true;
  entry.refusal.reset();
  state.contents.erase(entry.row.number);
  state.values.erase(entry.row.number);
  state.refused.erase(entry.row.number);
  state.acknowledged.push_back(entry.row.number);
}

void PendingStore::refuse(State& state, Entry& entry, const Failure& why) {
  entry.refusal = why;
  entry.pause = longer(entry.pause);
  entry.again = now() + entry.pause;
  state.refused.insert(entry.row.number);
}

void PendingStore::go_away(State& state, const Failure& why) {
  state.why = why;
  // Several that were under way together have failed once.
  if (!state.away || now() >= state.again) {
    state.pause = longer(state.pause);
    state.again = now() + state.pause;
  }
  state.away = true;
}

bool PendingStore::should_settle(const State& state) const {
  if (state.settling || state.acknowledged.empty() || state.ended || (state.away && now() < state.again)) return false;
  return state.workers == 0 || state.acknowledged.size() >= kSettleAfter || !state.wanting_room.empty();
}

// What was acknowledged goes to the store's disk, and leaves the queue.
asio::awaitable<Answer<std::vector<Bytes>>> PendingStore::settle(std::shared_ptr<PendingStore> self) {
  const std::vector<std::int64_t> numbers = self->state_.with([](State& state) {
    state.settling = true;
    return std::exchange(state.acknowledged, {});
  });
  const Answer<std::vector<Bytes>> synced = co_await self->options_.store->sync();
  Answered answered;
  self->state_.with([&](State& state) {
    state.settling = false;
    for (const std::int64_t number : numbers) {
      const auto at = state.entries.find(number);
      if (at == state.entries.end()) continue;
      if (synced) {
        self->drop(state, number);
      } else if (is_about_all(synced.error().code)) {
        state.acknowledged.push_back(number);
      } else {
        // The store has lost something.
        at->second.acknowledged = false;
        (is_content_key(at->second.row.key) ? state.contents : state.values).insert(number);
      }
    }
    const bool was_interrupted = !synced && synced.error().code == Errc::cancelled;
    if (!synced && !was_interrupted) {
      self->go_away(state, synced.error());
      answered = take_failed(state, synced.error(), [](const Waiter&) { return true; });
    } else if (synced && state.away) {
      state.away = false;
      state.pause = {};
    }
  });
  give(answered);
  self->start();
  self->alarm_->wake();
  co_return synced;
}

// --- Those who wait --------------------------------------------------------------------------------------------------

asio::awaitable<Answer<void>> PendingStore::wait_for(std::int64_t last, Strict strict) {
  const Waiter waiter{last, strict, std::make_shared<Done>()};
  const std::optional<Answer<void>> at_once = state_.with([&](State& state) -> std::optional<Answer<void>> {
    if (is_met(state, waiter)) return Answer<void>{};
    if (state.ended) return Failure{Errc::stopping};
    if (state.away) state.again = std::min(state.again, now());
    for (const std::int64_t number : state.refused) {
      Entry& entry = state.entries.at(number);
      if (strict == Strict::yes || is_content_key(entry.row.key)) entry.again = std::min(entry.again, now());
    }
    state.waiters.push_back(waiter);
    return std::nullopt;
  });
  if (at_once) co_return *at_once;
  start();
  co_return co_await Done::wait(waiter.done);
}

bool PendingStore::is_met(const State& state, const Waiter& waiter) {
  if (!state.contents.empty() && *state.contents.begin() <= waiter.last) return false;
  for (const std::int64_t number : state.values) {
    if (number > waiter.last) break;
    if (waiter.strict == Strict::yes || !state.refused.contains(number)) return false;
  }
  return true;
}

PendingStore::Answered PendingStore::take_met(State& state) {
  Answered out;
  std::erase_if(state.waiters, [&](const Waiter& waiter) {
    const bool met = is_met(state, waiter);
    if (met) out.emplace_back(waiter.done, Answer<void>{});
    return met;
  });
  return out;
}

PendingStore::Answered PendingStore::take_failed(State& state, const Failure& why,
                                                 const std::function<bool(const Waiter&)>& is_concerned) {
  Answered out;
  std::erase_if(state.waiters, [&](const Waiter& waiter) {
    const bool concerned = is_concerned(waiter);
    if (concerned) out.emplace_back(waiter.done, why);
    return concerned;
  });
  return out;
}

void PendingStore::give(const Answered& answered) {
  for (const auto& [done, answer] : answered) done->give(answer);
}

void PendingStore::retry() {
  state_.with([&](State& state) { state.again = std::min(state.again, now()); });
  start();
}

// --- The loop --------------------------------------------------------------------------------------------------------

std::chrono::nanoseconds PendingStore::next_wait(const State& state) const {
  const Clock::Steady present = now();
  Clock::Steady next = present + kFar;
  // What is due has been begun, or is when something lands.
  const auto look_at = [&](Clock::Steady time) {
    if (time > present) next = std::min(next, time);
  };
  if (state.away && !state.entries.empty()) look_at(state.again);
  for (const std::int64_t number : state.refused) look_at(state.entries.at(number).again);
  for (const RoomWaiter& waiter : state.wanting_room)
    look_at(std::max(waiter.since, state.made_room) + options_.patience);
  return next - present;
}

asio::awaitable<void> PendingStore::run(std::shared_ptr<PendingStore> self) {
  for (;;) {
    Answered answered;
    const bool ended = self->state_.with([&](State& state) {
      self->expire_room(state, answered);
      return state.ended;
    });
    give(answered);
    if (ended) co_return;
    self->start();
    const std::chrono::nanoseconds wait = self->state_.with([&](const State& state) { return self->next_wait(state); });
    co_await self->alarm_->wait(wait);
  }
}

}  // namespace spotfs
