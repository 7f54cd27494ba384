#include "fs/index/disk_index.hpp"

#include <limits>

#include "fs/index/names.hpp"
#include "fs/index/read_for.hpp"
#include "fs/index/rules.hpp"

namespace spotfs {

namespace {

std::error_code stopping() noexcept { return make_error_code(Errc::stopping); }

// A plan that gives one action, as the ledger wants it.
template <class T>
Result<std::optional<Action>> as_action(Result<T> planned) {
  if (!planned) return planned.error();
  return std::optional<Action>{std::move(*planned)};
}

Result<Entry> entry_of(const State& state, const InodeId& id) {
  Result<InodePtr> inode = state.inode(id);
  if (!inode) return inode.error();
  return Entry{state.resolve(id), std::move(*inode)};
}

const Ledger::Then kNothing;  // after a change

// What memory has; what it lacks, a coroutine has to find.
template <class Read>
std::invoke_result_t<const Read&> now_or_later(const Read& read) {
  auto tried = attempt(read);
  if (tried.done) return std::move(*tried.done);
  return make_error_code(std::errc::operation_would_block);
}

}  // namespace

// --- Reads -----------------------------------------------------------------------------------------------------------

void DiskIndex::use() const {
  if (!options_.only_writer) used_.store(now().count(), std::memory_order_relaxed);
}

// While nobody asked for anything, nothing was looked at: the next request looks first.
bool DiskIndex::is_stale() const {
  if (options_.only_writer) return false;
  const Clock::Steady limit = std::max<Clock::Steady>(kIdle, options_.refresh * 2);
  return now() - Clock::Steady{refreshed_.load(std::memory_order_relaxed)} > limit;
}

asio::awaitable<void> DiskIndex::freshen() {
  use();
  // Where it fails, what is known is as good as it gets.
  if (is_stale()) static_cast<void>(co_await refresh());
}

Result<Entry> DiskIndex::lookup_now(InodeId directory, std::string_view name) const {
  if (is_stale()) return make_error_code(std::errc::operation_would_block);
  use();
  return now_or_later([&] { return ledger_->read([&](const State& state) { return state.lookup(directory, name); }); });
}

asio::awaitable<Result<Entry>> DiskIndex::lookup(InodeId directory, std::string name) {
  co_await freshen();
  const auto read = [&](const State& state) { return state.lookup(directory, name); };
  co_return co_await ask(read);
}

Result<InodePtr> DiskIndex::inode_now(InodeId id) const {
  const bool is_stale_now = is_stale();
  const bool is_always_there = id == kRoot || id == kBlobs;
  if (is_stale_now && !is_always_there) return make_error_code(std::errc::operation_would_block);
  use();
  // Who lists the directory above must not wait for the network: this is what is known, and the look comes after it.
  if (is_stale_now) alarm_->wake();
  return now_or_later([&] { return ledger_->read([&](const State& state) { return state.inode(id); }); });
}

asio::awaitable<Result<InodePtr>> DiskIndex::inode(InodeId id) {
  co_await freshen();
  const auto read = [&](const State& state) { return state.inode(id); };
  co_return co_await ask(read);
}

std::uint64_t DiskIndex::subdirectories(InodeId directory) const {
  const auto count = [&](const State& state) -> std::optional<std::uint64_t> {
    std::optional<std::uint64_t> out = state.subdirectories(directory);
    // An entry of that name hides it.
    if (out && directory == kRoot && !state.is_empty(kLostFound) && !state.at(kRoot, kLostFoundName)) ++*out;
    return out;
  };
  const auto read = attempt([&] { return ledger_->read(count); });
  return read.done.value_or(std::nullopt).value_or(std::numeric_limits<std::uint64_t>::max());
}

asio::awaitable<Result<std::vector<NamedEntry>>> DiskIndex::list(InodeId directory, std::string after,
                                                                 std::size_t max) {
  co_await freshen();
  const auto read = [&](const State& state) { return state.list(directory, after, max); };
  co_return co_await ask(read);
}

// --- Changes ---------------------------------------------------------------------------------------------------------

void DiskIndex::set_dirty() {
  if (dirty_.exchange(true)) return;
  dirty_since_.store(now().count());
  alarm_->wake();
}

// May plan more than once, where nothing came of the first. Both live until it is done.
asio::awaitable<Result<Stamp>> DiskIndex::change(const Ledger::Plan& plan, const Ledger::Then& then) {
  const auto work = [&]() -> Result<Stamp> {
    if (requests_.with([](const Requests& requests) { return requests.closing; })) return stopping();
    return ledger_->change(plan, then);
  };
  const Result<Stamp> stamp = co_await read_for(work, By::caller);
  if (stamp) set_dirty();
  co_return stamp;
}

asio::awaitable<Result<Entry>> DiskIndex::make(InodeId directory, std::string name, NewInode inode) {
  co_await freshen();
  Result<Entry> made = stale_inode();
  const Ledger::Plan plan = [&](const State& state) { return as_action(plan_make(state, directory, name, inode)); };
  const Ledger::Then then = [&](const State& state, const Stamp& id) { made = entry_of(state, id); };
  const Result<Stamp> stamp = co_await change(plan, then);
  if (!stamp) co_return stamp.error();
  co_return made;
}

asio::awaitable<Result<void>> DiskIndex::link(InodeId inode, InodeId directory, std::string name) {
  co_await freshen();
  const Ledger::Plan plan = [&](const State& state) { return as_action(plan_link(state, inode, directory, name)); };
  const Result<Stamp> stamp = co_await change(plan, kNothing);
  if (!stamp) co_return stamp.error();
  co_return Result<void>{};
}

asio::awaitable<Result<Entry>> DiskIndex::unlink(InodeId directory, std::string name) {
  co_await freshen();
  InodeId id;
  Result<Entry> gone = stale_inode();
  const Ledger::Plan plan = [&](const State& state) {
    Result<Unlink> planned = plan_unlink(state, directory, name);
    if (planned) id = planned->inode;
    return as_action(std::move(planned));
  };
  const Ledger::Then then = [&](const State& state, const Stamp&) { gone = entry_of(state, id); };
  const Result<Stamp> stamp = co_await change(plan, then);
  if (!stamp) co_return stamp.error();
  co_return gone;
}

asio::awaitable<Result<void>> DiskIndex::rmdir(InodeId directory, std::string name) {
  co_await freshen();
  const Ledger::Plan plan = [&](const State& state) { return as_action(plan_rmdir(state, directory, name)); };
  const Result<Stamp> stamp = co_await change(plan, kNothing);
  if (!stamp) co_return stamp.error();
  co_return Result<void>{};
}

asio::awaitable<Result<std::optional<Entry>>> DiskIndex::move(InodeId from, std::string name, InodeId to,
                                                              std::string new_name, Existing existing) {
  co_await freshen();
  std::optional<InodeId> replaced;
  Result<Entry> gone = stale_inode();
  const Ledger::Plan plan = [&](const State& state) -> Result<std::optional<Action>> {
    Result<std::optional<Move>> planned = plan_move(state, from, name, to, new_name, existing == Existing::keep);
    if (!planned) return planned.error();
    if (!*planned) return std::optional<Action>{};
    replaced.reset();
    if (const Over& over = (*planned)->over) replaced = over->inode;
    return std::optional<Action>{std::move(**planned)};
  };
  const Ledger::Then then = [&](const State& state, const Stamp&) {
    if (replaced) gone = entry_of(state, *replaced);
  };
  const Result<Stamp> stamp = co_await change(plan, then);
  if (!stamp) co_return stamp.error();
  if (!replaced) co_return std::optional<Entry>{};
  if (!gone) co_return gone.error();
  co_return std::optional<Entry>{std::move(*gone)};
}

asio::awaitable<Result<void>> DiskIndex::exchange(InodeId one, std::string name, InodeId other,
                                                  std::string other_name) {
  co_await freshen();
  const Ledger::Plan plan = [&](const State& state) {
    return as_action(plan_exchange(state, one, name, other, other_name));
  };
  const Result<Stamp> stamp = co_await change(plan, kNothing);
  if (!stamp) co_return stamp.error();
  co_return Result<void>{};
}

asio::awaitable<Result<Stamp>> DiskIndex::write(InodeId inode, Version base, std::optional<Reference> reference,
                                                Time mtime, std::uint64_t flags) {
  co_await freshen();
  const Ledger::Plan plan = [&](const State& state) -> Result<std::optional<Action>> {
    if (!options_.only_writer) return std::optional<Action>{Write{inode, base, reference, mtime, flags}};
    const Inode* const there = state.find(state.resolve(inode));
    // Whoever else could have removed it did not know of this; this mount did, and what it had is being deleted.
    if (there == nullptr || there->kind == Kind::removed) return stale_inode();
    return std::optional<Action>{Write{inode, base, reference, mtime, flags}};
  };
  const Result<Stamp> stamp = co_await change(plan, kNothing);
  if (!stamp || !journal_sync_) co_return stamp;
  const Answer<void> durable = co_await journal_sync_->sync();
  if (!durable) co_return durable.error().code;
  co_return stamp;
}

asio::awaitable<Result<void>> DiskIndex::set(InodeId inode, Changes changes) {
  co_await freshen();
  const Ledger::Plan plan = [&](const State& state) { return as_action(plan_set(state, inode, changes)); };
  const Result<Stamp> stamp = co_await change(plan, kNothing);
  if (!stamp) co_return stamp.error();
  co_return Result<void>{};
}

// --- blobs/ ----------------------------------------------------------------------------------------------------------

class DiskIndex::Held final : public Reservation {
 public:
  explicit Held(std::shared_ptr<DiskIndex> index) : index_{std::move(index)}, stamp_{index_->ledger_->reserve()} {}
  ~Held() override {
    index_->ledger_->release(stamp_);
    index_->set_dirty();  // what came after it could not be committed
    index_->alarm_->wake();
  }
  Stamp stamp() const override { return stamp_; }

 private:
  const std::shared_ptr<DiskIndex> index_;
  const Stamp stamp_;
};

std::unique_ptr<Index::Reservation> DiskIndex::reserve() { return std::make_unique<Held>(shared_from_this()); }

asio::awaitable<Result<Stamp>> DiskIndex::write_reserved(std::unique_ptr<Reservation> reservation, InodeId inode,
                                                         Version base, std::optional<Reference> reference, Time mtime,
                                                         std::uint64_t flags) {
  use();
  const Stamp stamp = reservation->stamp();
  const Write write{inode, base, reference, mtime, flags};
  const auto work = [&] { return ledger_->change_at(stamp, write); };
  const Result<void> done = co_await read_for(work, By::caller);
  if (!done) co_return done.error();
  set_dirty();
  if (!journal_sync_) co_return stamp;
  const Answer<void> durable = co_await journal_sync_->sync();
  if (!durable) co_return durable.error().code;
  co_return stamp;
}

Result<Version> DiskIndex::seen_value(const std::string& key) {
  const Answer<std::optional<Stamp>> seen = ledger_->journal().seen_value(key);
  if (!seen) return seen.error().code;
  if (*seen) ledger_->see(**seen);
  return *seen;
}

Result<void> DiskIndex::see_value(const std::string& key, const Stamp& version) {
  ledger_->see(version);
  const Answer<void> seen = ledger_->journal().see_value(key, version);
  if (!seen) return seen.error().code;
  return {};
}

// --- The store -------------------------------------------------------------------------------------------------------

asio::awaitable<Answer<void>> DiskIndex::wait_for(std::vector<Done::Pointer> Requests::*list) {
  const auto done = std::make_shared<Done>();
  const bool ended = requests_.with([&](Requests& requests) {
    if (!requests.ended) (requests.*list).push_back(done);
    return requests.ended;
  });
  if (ended) co_return Failure{Errc::stopping};
  alarm_->wake();
  co_return co_await Done::wait(done);
}

asio::awaitable<Answer<void>> DiskIndex::commit() {
  const CommitWaiter waiter{ledger_->draw(), std::make_shared<Done>()};
  const bool ended = requests_.with([&](Requests& requests) {
    if (!requests.ended) requests.commits.push_back(waiter);
    return requests.ended;
  });
  if (ended) co_return Failure{Errc::stopping};
  alarm_->wake();
  co_return co_await Done::wait(waiter.done);
}

asio::awaitable<Answer<void>> DiskIndex::sync() {
  for (bool again = false;; again = true) {
    if (Answer<void> committed = co_await commit(); !committed) co_return committed;
    const Answer<std::vector<Bytes>> synced = co_await store_->blobs().sync();
    if (synced) co_return Answer<void>{};
    if (synced.error().code != Errc::lost || again) co_return synced.error();
    const Answer<bool> recovers = co_await recover_log();
    if (!recovers) co_return recovers.error();
    if (!*recovers) co_return synced.error();
  }
}

asio::awaitable<Answer<void>> DiskIndex::make_durable() {
  if (!journal_sync_) return sync();
  return journal_sync_->sync();
}

asio::awaitable<Answer<void>> DiskIndex::refresh() {
  if (options_.only_writer) co_return Answer<void>{};
  use();
  co_return co_await wait_for(&Requests::refreshes);
}

asio::awaitable<Answer<void>> DiskIndex::registered() {
  const bool is_known =
      requests_.with([](const Requests& requests) { return requests.registered || requests.was_registered; });
  if (is_known) co_return Answer<void>{};
  co_return co_await wait_for(&Requests::registrations);
}

void DiskIndex::drain() {
  requests_.with([](Requests& requests) { requests.closing = true; });
  alarm_->wake();
}

asio::awaitable<Answer<void>> DiskIndex::close() {
  // Who gives up waiting for the commit ends the loop, too.
  struct End {
    DiskIndex& index;
    ~End() {
      index.requests_.with([](Requests& requests) {
        if (!requests.ended) requests.ends.push_back(std::make_shared<Done>());
      });
      index.alarm_->wake();
    }
  };
  drain();
  Answer<void> done;
  {
    const End end{*this};
    done = co_await commit();
  }
  static_cast<void>(co_await wait_for(&Requests::ends));
  co_return done;
}

IndexStatus DiskIndex::status() const {
  IndexStatus out;
  out.store = store_->id();
  out.writer = ledger_->journal().writer();
  out.counter =
      own_head_.with([&](const OwnHead& head) { return head.writer == out.writer ? head.counter : std::uint64_t{0}; });
  out.operations = ledger_->operation_count();
  out.snapshot = generation_;
  out.uncommitted = ledger_->journal().unstored_count();
  out.trash = ledger_->journal().trash_count();
  out.others = peers_->status();
  requests_.with([&](const Requests& requests) {
    out.registered = requests.registered;
    out.last_error = requests.last_error;
  });
  return out;
}

}  // namespace spotfs
