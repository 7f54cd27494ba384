#include "fs/store/durable.hpp"

#include <boost/asio/co_spawn.hpp>

#include "client/base/encoding.hpp"
#include "fs/store/at_once.hpp"

namespace spotfs {

namespace {

constexpr int kTries = 8;                 // of a sync, where the relay restarts each time
constexpr std::size_t kAsksAtOnce = 8;    // when it has
constexpr std::size_t kTooManyTimes = 4;  // the keys that should be remembered: no store goes on without a sync
constexpr std::size_t kTold = 8;          // keys that are lost, by name
constexpr std::string_view kWriters = ".spotfs/writers";  // which all change, and look at again

}  // namespace

// --- What goes through -----------------------------------------------------------------------------------------------

// A store or an erase, beside which nothing is mended.
class DurableStore::Change {
 public:
  explicit Change(DurableStore& store) : store_{store} {}
  Change(const Change&) = delete;
  Change& operator=(const Change&) = delete;
  ~Change() { store_.leave(); }

 private:
  DurableStore& store_;
};

asio::awaitable<Result<void>> DurableStore::enter() {
  for (;;) {
    const EventPointer over = state_.with([](State& state) -> EventPointer {
      if (state.mending) return state.mending->over;
      ++state.changing;
      return nullptr;
    });
    if (!over) co_return Result<void>{};
    const Result<void> waited = co_await spot::Event::wait(over);
    if (!waited) co_return waited;
  }
}

void DurableStore::leave() {
  const EventPointer alone = state_.with([](State& state) -> EventPointer {
    return --state.changing == 0 && state.mending ? state.mending->alone : nullptr;
  });
  if (alone) alone->set();
}

// What is stored while no run is known is unsure.
asio::awaitable<Answer<void>> DurableStore::learn_run() {
  bool is_first = false;
  const EventPointer learning = state_.with([&](State& state) -> EventPointer {
    if (state.unsynced.knows_runs()) return nullptr;
    is_first = !state.learning;
    if (is_first) state.learning = std::make_shared<spot::Event>();
    return state.learning;
  });
  if (!learning) co_return Answer<void>{};
  if (!is_first) {
    const Result<void> waited = co_await spot::Event::wait(learning);
    if (!waited) co_return Failure{waited.error()};
    co_return Answer<void>{};
  }
  struct Over {
    DurableStore& store;
    const EventPointer& event;
    ~Over() {
      store.state_.with([](State& state) { state.learning.reset(); });
      event->set();
    }
  };
  const Over over{*this, learning};
  const Answer<std::vector<Bytes>> runs = co_await options_.store->sync();
  if (!runs) co_return runs.error();
  state_.with([&](State& state) { state.unsynced.see(*runs); });
  co_return Answer<void>{};
}

asio::awaitable<Answer<void>> DurableStore::store(std::string key, Bytes bottle) {
  const Answer<void> learnt = co_await learn_run();
  if (!learnt && learnt.error().code == Errc::offline) co_return learnt;
  if (state_.with([this](const State& state) { return state.unsynced.count() > kTooManyTimes * options_.keys; })) {
    const Answer<std::vector<Bytes>> synced = co_await sync();
    if (!synced && synced.error().code != Errc::lost) co_return synced.error();
  }
  if (const Result<void> entered = co_await enter(); !entered) co_return Failure{entered.error()};
  Answer<void> done;
  {
    const Change change{*this};
    const std::uint64_t epoch = state_.with([](const State& state) { return state.unsynced.epoch(); });
    auto copy = std::make_shared<const Bytes>(bottle);
    done = co_await options_.store->store(key, std::move(bottle));
    state_.with([&](State& state) {
      // Where the outcome is not known, nobody can say what should be there.
      if (done)
        state.unsynced.add(key, std::move(copy), epoch);
      else if (!is_content_key(key) && done.error().code != Errc::offline)
        state.unsynced.remove(key);
    });
  }
  sync_soon();
  co_return done;
}

asio::awaitable<Answer<void>> DurableStore::erase(std::string key) {
  if (const Result<void> entered = co_await enter(); !entered) co_return Failure{entered.error()};
  const Change change{*this};
  state_.with([&](State& state) { state.unsynced.remove(key); });
  co_return co_await options_.store->erase(std::move(key));
}

bool DurableStore::is_lost(const std::string& key) const {
  return state_.with([&](const State& state) { return state.unsynced.is_lost(key); });
}

// --- Sync ------------------------------------------------------------------------------------------------------------

// What fits in memory is stored again without asking anybody: it is to be on the disk before it is too much.
void DurableStore::sync_soon() {
  const bool begins = state_.with([this](State& state) {
    const bool is_much = state.unsynced.bytes() > options_.memory / 2 || state.unsynced.count() > options_.keys;
    if (!is_much || state.syncing) return false;
    return state.syncing = true;
  });
  if (!begins) return;
  asio::co_spawn(
      options_.executor,
      [](std::shared_ptr<DurableStore> self) -> asio::awaitable<void> {
        static_cast<void>(co_await self->sync());  // whoever wants to know asks
      }(shared_from_this()),
      [self = shared_from_this()](const std::exception_ptr&) {
        self->state_.with([](State& state) { state.syncing = false; });
      });
}

asio::awaitable<Answer<std::vector<Bytes>>> DurableStore::sync() {
  const auto keep = shared_from_this();
  for (int tries = 0; tries < kTries; ++tries) {
    const std::uint64_t until = state_.with([](const State& state) { return state.unsynced.last(); });
    Answer<std::vector<Bytes>> runs = co_await options_.store->sync();
    if (!runs) co_return runs;
    std::optional<Failure> lost;
    const bool is_done = state_.with([&](State& state) {
      state.unsynced.see(*runs);
      state.unsynced.synced(until);
      if (!state.unsynced.lost().empty()) lost.emplace(Errc::lost, *state.unsynced.lost().begin());
      return !state.unsynced.is_any_unsure();
    });
    if (is_done && lost) co_return *lost;
    if (is_done) co_return runs;
    if (const Answer<void> mended = co_await mend(); !mended) co_return mended.error();
  }
  co_return Failure{Errc::connection_lost, "the relay restarts again and again"};
}

// --- After another run has answered ----------------------------------------------------------------------------------

struct DurableStore::Mended {
  std::uint64_t epoch = 0;  // when it began
  spot::Synchronized<std::vector<std::string>> again, lost;
};

// Once for all who wait for it, and to its end.
asio::awaitable<Answer<void>> DurableStore::mend() {
  bool is_first = false;
  const std::shared_ptr<Mending> mending = state_.with([&](State& state) {
    is_first = !state.mending;
    if (is_first) {
      state.mending = std::make_shared<Mending>();
      if (state.changing == 0) state.mending->alone->set();
    }
    return state.mending;
  });
  if (is_first) {
    asio::co_spawn(options_.executor, mend_all(shared_from_this(), mending),
                   [self = shared_from_this(), mending](const std::exception_ptr& thrown, const Answer<void>& result) {
                     mending->result = thrown ? Answer<void>{Failure{Errc::storage_failed}} : result;
                     self->state_.with([](State& state) { state.mending.reset(); });
                     mending->over->set();
                   });
  }
  if (const Result<void> waited = co_await spot::Event::wait(mending->over); !waited) co_return Failure{waited.error()};
  co_return mending->result;
}

asio::awaitable<Answer<void>> DurableStore::mend_all(std::shared_ptr<DurableStore> self,
                                                     std::shared_ptr<Mending> mending) {
  static_cast<void>(co_await spot::Event::wait(mending->alone));
  const auto mended = std::make_shared<Mended>();
  const auto unsure = std::make_shared<std::vector<Unsynced::Stored>>(self->state_.with([&](const State& state) {
    mended->epoch = state.unsynced.epoch();
    return state.unsynced.unsure();
  }));
  const Work work = [self, unsure, mended](std::size_t number) {
    return mend_one(self, mended, std::move((*unsure)[number]));
  };
  const Answer<void> done = co_await do_at_once(self->options_.executor, unsure->size(), kAsksAtOnce, work);
  self->tell(*mended);
  co_return done;
}

asio::awaitable<Answer<void>> DurableStore::mend_one(std::shared_ptr<DurableStore> self, std::shared_ptr<Mended> mended,
                                                     Unsynced::Stored stored) {
  const std::string& key = stored.key;
  const Answer<Bytes> there = co_await self->options_.store->fetch(key);
  if (!there && there.error().code != Errc::not_found) co_return there.error();
  if (there && stored.is(*there)) {
    self->state_.with([&](State& state) { state.unsynced.confirm(key, mended->epoch); });
    co_return Answer<void>{};
  }
  if (there && key == kWriters) {
    self->state_.with([&](State& state) { state.unsynced.remove(key); });
    co_return Answer<void>{};
  }
  std::optional<Bytes> bottle;
  if (stored.bottle) bottle = *stored.bottle;
  if (!bottle && self->options_.copy) bottle = self->options_.copy(key);
  if (!bottle || !stored.is(*bottle)) {
    self->state_.with([&](State& state) { state.unsynced.lose(key); });
    mended->lost.with([&](auto& keys) { keys.push_back(key); });
    co_return Answer<void>{};
  }
  const Answer<void> again = co_await self->options_.store->store(key, *std::move(bottle));
  if (!again) co_return again;
  self->state_.with([&](State& state) { state.unsynced.confirm(key, mended->epoch); });
  mended->again.with([&](auto& keys) { keys.push_back(key); });
  co_return Answer<void>{};
}

void DurableStore::tell(const Mended& mended) const {
  if (!options_.notice) return;
  const std::size_t again = mended.again.with([](const auto& keys) { return keys.size(); });
  const std::vector<std::string> lost = mended.lost.with([](const auto& keys) { return keys; });
  if (again != 0)
    options_.notice("the relay was restarted and had lost what it had acknowledged: stored again, " +
                    std::to_string(again) + (again == 1 ? " blob" : " blobs"));
  for (std::size_t i = 0; i < std::min(lost.size(), kTold); ++i)
    options_.notice("the relay was restarted and has lost " + spot::printable(lost[i]) + ": no copy is left here");
  if (lost.size() > kTold) options_.notice("and " + std::to_string(lost.size() - kTold) + " more blobs are lost");
}

}  // namespace spotfs
