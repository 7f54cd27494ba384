#include "fs/store/pending_store.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "client/base/encoding.hpp"

namespace spotfs {

namespace {

// Another store, with what is pending before it.
class Over final : public BlobStore {
 public:
  Over(std::shared_ptr<PendingStore> pending, std::shared_ptr<BlobStore> store)
      : pending_{std::move(pending)}, store_{std::move(store)} {}

  asio::awaitable<Answer<Bytes>> fetch(std::string key) override {
    std::optional<Answer<Bytes>> kept = pending_->kept(key);
    if (kept) co_return *std::move(kept);
    co_return co_await store_->fetch(std::move(key));
  }
  asio::awaitable<Answer<void>> store(std::string key, Bytes bottle) override {
    return store_->store(std::move(key), std::move(bottle));
  }
  asio::awaitable<Answer<void>> erase(std::string key) override { return pending_->erase(std::move(key)); }
  asio::awaitable<Answer<std::vector<Bytes>>> sync() override { return pending_->sync(); }
  bool is_lost(const std::string& key) const override { return store_->is_lost(key); }
  bool distrust(const std::string& key) override { return store_->distrust(key); }

 private:
  const std::shared_ptr<PendingStore> pending_;
  const std::shared_ptr<BlobStore> store_;
};

Failure no_space() {
  return Failure{std::make_error_code(std::errc::no_space_on_device),
                 "as much as cache_size allows waits for its upload"};
}

bool is_value_key(std::string_view key) noexcept { return !is_content_key(key) && !is_record_key(key); }

}  // namespace

PendingStore::PendingStore(asio::any_io_executor executor, Options options)
    : executor_{std::move(executor)},
      strand_{asio::make_strand(executor_)},
      options_{std::move(options)},
      alarm_{options_.alarm(strand_)} {}

std::shared_ptr<PendingStore> PendingStore::make(asio::any_io_executor executor, Options options) {
  return std::shared_ptr<PendingStore>{new PendingStore{std::move(executor), std::move(options)}};
}

std::shared_ptr<PendingStore> PendingStore::sibling() const {
  Options options = options_;
  options.keeps = false;
  return make(executor_, std::move(options));
}

std::shared_ptr<BlobStore> PendingStore::over(std::shared_ptr<BlobStore> store) {
  return std::make_shared<Over>(shared_from_this(), std::move(store));
}

Answer<void> PendingStore::open(const std::filesystem::path& directory) {
  std::error_code ec;
  if (!options_.keeps && !std::filesystem::exists(PendingQueue::file_in(directory), ec)) return {};
  Answer<std::unique_ptr<PendingQueue>> opened = PendingQueue::open(directory);
  if (!opened) return opened.error();
  std::vector<PendingQueue::Row> rows = (*opened)->take_rows();
  if (!options_.keeps && rows.empty()) return {};
  queue_ = std::move(*opened);
  state_.with([&](State& state) {
    for (PendingQueue::Row& row : rows) {
      // Of two, a kill kept the older one from being removed.
      if (const auto older = state.by_key.find(row.key); older != state.by_key.end()) drop(state, older->second);
      state.last = row.number;
      state.bytes += row.size;
      add(state, std::move(row), nullptr, true);
    }
  });
  is_open_ = true;
  asio::co_spawn(strand_, run(shared_from_this()), asio::detached);
  start();
  return {};
}

void PendingStore::end() {
  Answered answered;
  state_.with([&](State& state) {
    state.ended = true;
    answered = take_failed(state, Failure{Errc::stopping}, [](const Waiter&) { return true; });
    for (RoomWaiter& waiter : state.wanting_room) answered.emplace_back(waiter.done, Failure{Errc::stopping});
    state.wanting_room.clear();
  });
  give(answered);
  alarm_->wake();
}

void PendingStore::close() {
  end();
  if (queue_) queue_->stop();
}

std::int64_t PendingStore::unix_seconds() const {
  return std::chrono::floor<std::chrono::seconds>(options_.clock->wall()).time_since_epoch().count();
}

void PendingStore::tell(const std::string& line) const {
  if (options_.notice) options_.notice(line);
}

// --- The store -------------------------------------------------------------------------------------------------------

std::optional<Answer<Bytes>> PendingStore::kept(const std::string& key) {
  if (!is_open_) return std::nullopt;
  std::int64_t number = 0;
  Bottle in_memory;
  const bool erases = state_.with([&](const State& state) {
    const auto at = state.by_key.find(key);
    if (at == state.by_key.end()) return false;
    const Entry& entry = state.entries.at(at->second);
    number = at->second;
    in_memory = entry.bottle;
    return entry.row.erases;
  });
  if (erases) return Failure{Errc::not_found, key};
  if (in_memory) return *in_memory;
  if (number == 0) return std::nullopt;
  Answer<Bytes> bottle = queue_->read(number);
  // It has just been uploaded, and is in the store.
  if (!bottle && bottle.error().code == Errc::not_found) return std::nullopt;
  return bottle;
}

asio::awaitable<Answer<Bytes>> PendingStore::fetch(std::string key) {
  std::optional<Answer<Bytes>> pending = kept(key);
  if (pending) co_return *std::move(pending);
  co_return co_await options_.store->fetch(std::move(key));
}

bool PendingStore::takes(const std::string& key) const {
  if (!is_open_ || is_record_key(key)) return false;
  return options_.keeps || state_.with([&](const State& state) { return state.by_key.contains(key); });
}

asio::awaitable<Answer<void>> PendingStore::store(std::string key, Bytes bottle) {
  if (!takes(key)) co_return co_await options_.store->store(std::move(key), std::move(bottle));
  co_return co_await put(std::move(key), std::make_shared<const Bytes>(std::move(bottle)));
}

asio::awaitable<Answer<void>> PendingStore::erase(std::string key) {
  if (!is_open_ || is_record_key(key)) co_return co_await options_.store->erase(std::move(key));
  if (is_content_key(key)) co_return co_await erase_content(std::move(key));
  if (!takes(key)) co_return co_await options_.store->erase(std::move(key));
  co_return co_await put(std::move(key), nullptr);
}

// It is named by nobody, so that it need not be uploaded.
asio::awaitable<Answer<void>> PendingStore::erase_content(std::string key) {
  bool may_be_stored = true;
  std::shared_ptr<spot::Event> flight;
  Answered answered;
  state_.with([&](State& state) {
    const auto at = state.by_key.find(key);
    if (at == state.by_key.end()) return;
    may_be_stored = state.entries.at(at->second).may_be_stored;
    if (const auto flying = state.flying.find(key); flying != state.flying.end()) flight = flying->second;
    drop(state, at->second);
    answered = take_met(state);
  });
  give(answered);
  if (flight) {
    const Result<void> landed_now = co_await spot::Event::wait(flight);
    if (!landed_now) co_return Failure{landed_now.error()};
  }
  if (!may_be_stored) co_return Answer<void>{};
  co_return co_await options_.store->erase(std::move(key));
}

asio::awaitable<Answer<std::vector<Bytes>>> PendingStore::sync() {
  if (!is_open_) co_return co_await options_.store->sync();
  const std::int64_t last = state_.with([](const State& state) { return state.last; });
  const Answer<void> done = co_await wait_for(last, Strict::yes);
  if (!done) co_return done.error();
  co_return co_await settle(shared_from_this());
}

bool PendingStore::is_all_uploaded() const {
  return state_.with([](const State& state) { return is_met(state, Waiter{state.last, Strict::no, nullptr}); });
}

asio::awaitable<Answer<void>> PendingStore::uploaded() {
  if (!is_open_) co_return Answer<void>{};
  const std::int64_t last = state_.with([](const State& state) { return state.last; });
  co_return co_await wait_for(last, Strict::no);
}

// --- The queue -------------------------------------------------------------------------------------------------------

// Counts the bytes as taken.
asio::awaitable<Answer<void>> PendingStore::make_room(std::uint64_t bytes) {
  const auto done = std::make_shared<Done>();
  enum {
    ended,
    fits,
    waits
  } how = state_.with([&](State& state) {
    if (state.ended) return ended;
    const bool is_room = state.wanting_room.empty() && state.bytes + bytes <= options_.limit;
    // Without `keeps` only what follows an earlier value comes here.
    if (is_room || bytes == 0 || !options_.keeps) {
      state.bytes += bytes;
      return fits;
    }
    state.wanting_room.push_back({bytes, now(), done});
    return waits;
  });
  if (how == ended) co_return Failure{Errc::stopping};
  if (how == fits) co_return Answer<void>{};
  start();
  alarm_->wake();
  co_return co_await Done::wait(done);
}

asio::awaitable<Answer<void>> PendingStore::put(std::string key, Bottle bottle) {
  PendingQueue::Row row;
  row.size = bottle ? bottle->size() : 0;
  row.erases = !bottle;
  row.since = unix_seconds();
  row.key = std::move(key);
  if (const Answer<void> room = co_await make_room(row.size); !room) co_return room.error();
  const auto done = std::make_shared<Done>();
  const std::int64_t number = state_.with([&](State& state) {
    row.number = ++state.last;
    // Under the lock, so that the queue has them in the order of their numbers.
    const bool taken = queue_->put(row, bottle, [this, row, bottle, done](const Answer<void>& written) {
      was_put(row, bottle, written);
      done->give(written);
    });
    if (!taken) {
      free_bytes(state, row.size);
      done->give(Failure{Errc::stopping});
    }
    return row.number;
  });
  const Answer<void> written = co_await Done::wait(done);
  if (!written || options_.keeps) co_return written;
  co_return co_await wait_for(number, Strict::yes);
}

void PendingStore::was_put(PendingQueue::Row row, Bottle bottle, const Answer<void>& done) {
  Answered answered;
  state_.with([&](State& state) {
    if (!done) {
      free_bytes(state, row.size);
      return;
    }
    if (const auto older = state.by_key.find(row.key); older != state.by_key.end()) drop(state, older->second);
    add(state, std::move(row), std::move(bottle), false);
    answered = take_met(state);
  });
  give(answered);
  start();
}

void PendingStore::add(State& state, PendingQueue::Row row, Bottle bottle, bool may_be_stored) {
  const std::int64_t number = row.number;
  state.by_key[row.key] = number;
  (is_value_key(row.key) ? state.values : state.contents).insert(number);
  Entry entry;
  entry.row = std::move(row);
  entry.may_be_stored = may_be_stored;
  if (bottle && state.in_memory + bottle->size() <= kInMemory) {
    state.in_memory += bottle->size();
    entry.bottle = std::move(bottle);
  }
  state.entries.emplace(number, std::move(entry));
}

void PendingStore::drop(State& state, std::int64_t number) {
  const auto at = state.entries.find(number);
  const Entry& entry = at->second;
  if (entry.bottle) state.in_memory -= entry.bottle->size();
  if (const auto newest = state.by_key.find(entry.row.key); newest->second == number) state.by_key.erase(newest);
  state.contents.erase(number);
  state.values.erase(number);
  state.refused.erase(number);
  const std::uint64_t bytes = entry.row.size;
  state.entries.erase(at);
  queue_->remove(number);
  if (state.entries.empty()) queue_->shrink();
  free_bytes(state, bytes);
}

// Those who wait for room get it in their turn. To give only posts, so it is done under the lock: who was interrupted
// meanwhile takes none.
void PendingStore::free_bytes(State& state, std::uint64_t bytes) {
  state.bytes -= bytes;
  state.made_room = now();
  while (!state.wanting_room.empty()) {
    const RoomWaiter& first = state.wanting_room.front();
    if (state.bytes + first.bytes > options_.limit) return;
    if (first.done->give(Answer<void>{})) state.bytes += first.bytes;
    state.wanting_room.pop_front();
  }
}

void PendingStore::expire_room(State& state, Answered& answered) const {
  std::erase_if(state.wanting_room, [&](const RoomWaiter& waiter) {
    const bool is_late = now() - std::max(waiter.since, state.made_room) >= options_.patience;
    if (is_late) answered.emplace_back(waiter.done, no_space());
    return is_late;
  });
}

// --- Information -----------------------------------------------------------------------------------------------------

PendingStatus PendingStore::status_of(const State& state) const {
  PendingStatus out;
  out.count = state.entries.size();
  if (!state.entries.empty()) out.since = state.entries.begin()->second.row.since;
  out.bytes = state.bytes;
  std::optional<Clock::Steady> again;
  const auto put_error = [&](const Failure& why) {
    out.last_error = why.code.message();
    if (!why.text.empty()) out.last_error += ": " + spot::printable(why.text);
  };
  if (state.away) {
    put_error(state.why);
    again = state.again;
  } else if (!state.refused.empty()) {
    const Entry& first = state.entries.at(*state.refused.begin());
    put_error(*first.refusal);
    again = first.again;
  }
  if (again) {
    const auto left = std::max(*again - now(), std::chrono::nanoseconds{0});
    out.next_try = unix_seconds() + std::chrono::ceil<std::chrono::seconds>(left).count();
  }
  return out;
}

PendingStatus PendingStore::status() const {
  return state_.with([&](const State& state) { return status_of(state); });
}

PendingStatus PendingStore::list() const {
  return state_.with([&](const State& state) {
    PendingStatus out = status_of(state);
    for (const std::int64_t number : state.values) {
      if (out.values.size() == PendingStatus::kMaxListed) break;
      const Entry& entry = state.entries.at(number);
      out.values.push_back({entry.row.key, entry.row.size, entry.row.erases, entry.row.since,
                            entry.refusal ? entry.refusal->code.message() : std::string{}});
    }
    return out;
  });
}

}  // namespace spotfs
