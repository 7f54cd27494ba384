#include <algorithm>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "client/base/encoding.hpp"
#include "client/crypto/hash.hpp"
#include "fs/index/commit.hpp"
#include "fs/index/read_for.hpp"
#include "fs/index/store_identity.hpp"
#include "fs/store/back_off.hpp"

namespace spotfs {

namespace {

constexpr std::chrono::minutes kLongPause{1};  // a commit after it refreshes first
constexpr std::chrono::nanoseconds kFar = std::chrono::hours{1};
constexpr std::size_t kCollectorMemory = std::size_t{1} << 20;
constexpr std::chrono::seconds kLongestSnapshotPause{30};

std::chrono::nanoseconds random_pause() {
  const auto [byte] = spot::random_array<1>();
  return std::chrono::nanoseconds{kLongestSnapshotPause} * byte / 255;
}

// What is pending is there, too.
std::shared_ptr<const SealedStore> origin_of(const std::shared_ptr<const SealedStore>& store,
                                             const IndexOptions& options) {
  if (!options.origin) return store;
  return store->over(options.pending ? options.pending->over(options.origin) : options.origin);
}

}  // namespace

DiskIndex::DiskIndex(asio::any_io_executor executor, DiskParts parts)
    : strand_{asio::make_strand(executor)},
      options_{std::move(parts.options)},
      store_{std::move(parts.store)},
      origin_{origin_of(store_, options_)},
      ledger_{std::move(parts.ledger)},
      peers_{std::move(parts.peers)},
      journal_sync_{std::move(parts.journal_sync)},
      alarm_{options_.alarm(strand_)},
      contents_{std::make_shared<ContentStore>(
          executor, options_.store, std::shared_ptr<const ContentCipher>{store_, &store_->cipher()}, kCollectorMemory)},
      run_{parts.run},
      directory_{std::move(parts.directory)},
      head_wanted_{parts.head_is_old ? std::uint64_t{1} : 0},
      mending_{parts.mending},
      is_unasked_{parts.is_unasked},
      state_options_{parts.state},
      snapshots_{executor, store_, state_options_, options_.snapshot_nodes},
      snapshot_{std::move(parts.snapshot)},
      generation_{snapshot_.known ? snapshot_.known->snapshot.tree.generation : 0},
      snapshot_pause_{random_pause()} {
  ledger_->on_failure([notice = options_.notice](const Failure& why) {
    if (notice) notice("changes are refused: " + why.text + " (" + why.code.message() + ")");
  });
  used_ = now().count();
  lost_nodes_.with([&](std::set<BlobId>& lost) {
    lost = ledger_->read([](const State& state) { return state.gaps().lost_nodes(); });
  });
  remember_hearing();
  refreshed_ = now().count();
  const bool was_registered = journal_sync_ && ledger_->journal().is_registered();
  requests_.with([&](Requests& requests) { requests.was_registered = was_registered; });
  note_own_head(parts.counter);
}

void DiskIndex::start() {
  if (!is_head_old()) {
    committed_ = ledger_->draw();
    note(ledger_->journal().set_committed(committed_, unix_seconds()));
  }
  asio::co_spawn(
      strand_, [self = shared_from_this()]() -> asio::awaitable<void> { co_await self->run(); }, asio::detached);
}

asio::awaitable<void> DiskIndex::run() {
  while (!ends()) {
    if (requests_.with([](const Requests& requests) { return requests.closing; })) directory_->set_draining();
    if (!requests_.with([](const Requests& requests) { return requests.registered; }) && now() >= look_again_)
      co_await do_register();
    if (is_refresh_due()) static_cast<void>(co_await do_refresh());
    if (is_commit_due()) co_await do_commit();
    co_await take_written();
    co_await begin_snapshot();
    co_await retire_dead();
    co_await do_jobs();
    start_collecting();
    co_await begin_tidying();
    if (!ends()) co_await alarm_->wait(next_wait());
  }
  co_await retire_self();
  directory_.reset();
  std::vector<Done::Pointer> left;
  std::vector<Job> jobs;
  requests_.with([&](Requests& requests) {
    requests.ended = true;
    jobs = std::exchange(requests.jobs, {});
    for (const CommitWaiter& waiter : std::exchange(requests.commits, {})) left.push_back(waiter.done);
    for (auto list : {&Requests::refreshes, &Requests::registrations, &Requests::ends}) {
      for (Done::Pointer& done : std::exchange(requests.*list, {})) left.push_back(std::move(done));
    }
  });
  event_ = {};  // what is told of changes has the index, too
  for (const Done::Pointer& done : left) done->give(Failure{Errc::stopping});
  for (const Job& job : jobs) job.abandon();
}

asio::awaitable<void> DiskIndex::do_jobs() {
  const std::vector<Job> jobs = requests_.with([](Requests& requests) { return std::exchange(requests.jobs, {}); });
  for (const Job& job : jobs) co_await job.work();
}

bool DiskIndex::ends() const {
  return requests_.with([](const Requests& requests) { return requests.ended || !requests.ends.empty(); });
}

// --- When ------------------------------------------------------------------------------------------------------------

bool DiskIndex::is_refresh_due() const {
  if (options_.only_writer) return false;
  if (requests_.with([](const Requests& requests) { return !requests.refreshes.empty(); })) return true;
  const Clock::Steady used{used_.load()}, refreshed{refreshed_.load()};
  return now() - used <= kIdle && now() - refreshed >= options_.refresh;
}

bool DiskIndex::is_commit_due() const {
  if (uploads_) return uploads_->outcome.has_value();
  if (requests_.with([](const Requests& requests) { return !requests.commits.empty(); })) return true;
  if (now() < commit_again_) return false;
  if (is_head_old()) return true;
  return dirty_.load() && now() - Clock::Steady{dirty_since_.load()} >= options_.commit;
}

std::chrono::nanoseconds DiskIndex::next_wait() const {
  const Clock::Steady present = now();
  Clock::Steady next = present + kFar;
  if (!collecting_) next = std::min(next, std::max(tidy_again_, present + kFirstPause));
  if (!requests_.with([](const Requests& requests) { return requests.registered; })) next = std::min(next, look_again_);
  if (!options_.only_writer && present - Clock::Steady{used_.load()} <= kIdle)
    next = std::min(next, Clock::Steady{refreshed_.load()} + options_.refresh);
  if (!uploads_ && dirty_.load())
    next = std::min(next, std::max(Clock::Steady{dirty_since_.load()} + options_.commit, commit_again_));
  else if (!uploads_ && is_head_old())
    next = std::min(next, commit_again_);
  if (writing_snapshot_) return next - present;
  if (snapshot_at_ != Clock::Steady{})
    next = std::min(next, snapshot_at_);
  else if (const std::optional<Clock::Steady> due = snapshot_due())
    next = std::min(next, std::max(present + std::max<Clock::Steady>(*due, kFirstPause), snapshot_again_));
  return next - present;
}

// --- What ------------------------------------------------------------------------------------------------------------

void DiskIndex::note(const Answer<void>& done) {
  std::string line;
  if (!done) {
    line = done.error().code.message();
    if (!done.error().text.empty()) line += ": " + spot::printable(done.error().text);
  }
  requests_.with([&](Requests& requests) { requests.last_error = std::move(line); });
}

void DiskIndex::tell_changes(const ChangeSet& changes) const {
  if (event_ && !(changes.inodes.empty() && changes.names.empty())) event_(changes);
}

asio::awaitable<void> DiskIndex::do_register() {
  Registration registration;
  registration.host = options_.host;
  registration.stamp = ledger_->draw();
  const Answer<bool> there = co_await peers_->enter(ledger_->journal().writer(), registration);
  const bool sure = there && (*there || options_.only_writer);
  look_again_ = now() + kSettle;
  if (!there) note(there.error());
  if (sure) note(ledger_->journal().set_registered());
  if (there && !sure) co_return;
  std::vector<Done::Pointer> waiting;
  requests_.with([&](Requests& requests) {
    requests.registered = sure;
    waiting = std::exchange(requests.registrations, {});
  });
  for (const Done::Pointer& done : waiting) done->give(sure ? Answer<void>{} : Answer<void>{there.error()});
}

asio::awaitable<Answer<void>> DiskIndex::do_refresh() {
  std::vector<Done::Pointer> waiting =
      requests_.with([](Requests& requests) { return std::exchange(requests.refreshes, {}); });
  refreshed_ = now().count();
  const Stamp begun = ledger_->draw();
  const Peers::News news = co_await peers_->look();
  Answer<void> done;
  if (news.failure) done = *news.failure;
  const Answer<void> read = co_await read_news(news.snapshot);
  if (done) done = read;
  if (news.own && !news.own_is_foreign) note_own_head(news.own->counter);
  if (news.own_is_old) {
    const Answer<void> marked = see_older_head(news.own);
    if (done && !marked) done = marked;
  }
  is_unasked_ = is_unasked_ && news.failure && is_unreachable(news.failure->code);
  const bool replaced = news.own_is_foreign || peers_->is_retired(ledger_->journal().writer());
  got_every_head_ = done && peers_->are_all_shown() && !replaced;
  if (done || !is_unreachable(done.error().code)) heard_everyone(begun);
  if (replaced || is_replaced_) {
    const Answer<void> other = co_await become_another(news.own_is_foreign);
    if (done && !other) done = other;
  }
  note(done);
  for (const Done::Pointer& waiter : waiting) waiter->give(done);
  co_return done;
}

// Someone else uses our writer id, or it was retired: our log goes on under a new one.
asio::awaitable<Answer<void>> DiskIndex::become_another(bool is_shared) {
  if (!std::exchange(is_replaced_, true) && options_.notice)
    options_.notice("this state directory was copied or its writer retired: going on as a new writer");
  is_foreign_ = is_foreign_ || is_shared;
  run_ = spot::random_array<16>();
  const WriterId writer = spot::random_array<16>();
  const auto become = [&] { return ledger_->become(writer, options_.machine_id, prefix_of(run_), is_foreign_); };
  const Answer<ChangeSet> changes = co_await read_for(become, By::loop);
  if (!changes) co_return changes.error();
  is_replaced_ = is_foreign_ = false;
  tell_changes(*changes);
  own_what_is_shared();
  requests_.with([](Requests& requests) { requests.registered = requests.was_registered = false; });
  look_again_ = {};
  want_head();
  co_return Answer<void>{};
}

Head DiskIndex::next_head() {
  Head out;
  out.run = run_;
  out.seen = peers_->seen();
  if (snapshot_.known) out.snapshot = snapshot_.known->snapshot;
  out.host = options_.host;
  out.stamp = ledger_->draw();
  return out;
}

void DiskIndex::note_own_head(std::uint64_t counter) {
  const WriterId self = ledger_->journal().writer();
  own_head_.with([&](OwnHead& head) {
    if (head.writer != self) head = {self, 0};
    head.counter = std::max(head.counter, counter);
  });
}

// Of what the next commit names: the loop goes on meanwhile, as that may take long. False: not yet.
bool DiskIndex::are_uploaded() {
  if (!has_queue()) return true;
  if (uploads_) return uploads_->outcome.has_value();
  dirty_ = false;
  uploads_ = std::make_shared<Uploads>();
  uploads_->most = ledger_->draw();
  if (options_.pending->is_all_uploaded()) {
    uploads_->outcome = Answer<void>{};
    return true;
  }
  asio::co_spawn(
      strand_,
      [self = shared_from_this(), uploads = uploads_]() -> asio::awaitable<void> {
        Answer<void> done = co_await self->options_.pending->uploaded();
        uploads->outcome = std::move(done);
        self->alarm_->wake();
      },
      asio::detached);
  return uploads_->outcome.has_value();
}

// `most`: what is done from then on waits for another one.
asio::awaitable<Answer<Stamp>> DiskIndex::commit_once(std::optional<Stamp> most) {
  const bool pause_was_long = now() - Clock::Steady{refreshed_.load()} > kLongPause;
  if (!options_.only_writer && (pause_was_long || is_unasked_)) static_cast<void>(co_await do_refresh());
  if (is_unasked_) co_return Failure{Errc::offline};
  // Nothing may be stored in a name that is another's.
  if (is_replaced_) {
    if (const Answer<void> other = co_await become_another(false); !other) co_return other.error();
  }
  if (const Answer<void> checked = co_await own_late_contents(); !checked) co_return checked.error();
  if (const Answer<void> mended = co_await mend(); !mended) co_return mended.error();
  if (const Answer<void> dropped = drop_log(); !dropped) co_return dropped.error();
  const auto plan = [&] { return ledger_->plan_commit(most); };
  const Answer<Ledger::Planned> planned = co_await read_for(plan, By::loop);
  if (!planned) co_return planned.error();
  tell_changes(planned->changes);
  if (planned->grows) want_head();
  if (is_head_old()) {
    const std::uint64_t wanted = head_wanted_;
    const Answer<void> stored = co_await store_log_and_head(ledger_->shared_journal(), store_, next_head());
    if (!stored) co_return stored.error();
    if (wanted == head_wanted_) note(keep_snapshot());
    head_stored_ = wanted;
    note_own_head(ledger_->journal().counter());
  }
  const Answer<void> noted = ledger_->journal().set_committed(planned->limit, spotfs::unix_seconds(ledger_->draw()));
  if (!noted) co_return noted.error();
  co_return planned->limit;
}

asio::awaitable<void> DiskIndex::do_commit() {
  if (!are_uploaded()) co_return;
  Answer<Stamp> limit = Stamp{};
  if (const auto uploads = std::exchange(uploads_, nullptr); !uploads) {
    dirty_ = false;
    limit = co_await commit_once({});
  } else if (!*uploads->outcome) {
    limit = uploads->outcome->error();
  } else {
    limit = co_await commit_once(uploads->most);
    if (limit && *limit == uploads->most) alarm_->wake();  // someone may have asked for more meanwhile
  }
  std::vector<Done::Pointer> answered;
  requests_.with([&](Requests& requests) {
    std::erase_if(requests.commits, [&](const CommitWaiter& waiter) {
      const bool done = !limit || waiter.target < *limit;
      if (done) answered.push_back(waiter.done);
      return done;
    });
  });
  if (limit) {
    commit_pause_ = {};
    commit_again_ = {};
    note({});
    committed_ = *limit;
    may_collect_ = true;
    for (const Done::Pointer& done : answered) done->give(Answer<void>{});
    co_return;
  }
  set_dirty();
  commit_pause_ = longer(commit_pause_);
  commit_again_ = now() + commit_pause_;
  note(limit.error());
  for (const Done::Pointer& done : answered) done->give(limit.error());
}

}  // namespace spotfs
