// When this mount makes a snapshot, how it takes those of others, and what of the log goes then (files.md, "Snapshot").
#include <algorithm>

#include <boost/asio/co_spawn.hpp>
#include <malloc.h>

#include "client/crypto/hash.hpp"
#include "fs/index/read_for.hpp"

namespace spotfs {

namespace {

constexpr std::chrono::minutes kSettled{1};         // so old are the operations in a snapshot
constexpr std::chrono::minutes kLongestWriting{1};  // of a snapshot, since every head was had
constexpr std::chrono::minutes kPauseAfterFailure{5};
constexpr std::chrono::hours kDay{24};
constexpr std::int64_t kDropAfter = std::chrono::seconds{kDay}.count();

}  // namespace

CurrentSnapshot current_snapshot(const Journal::KnownSnapshot& known, LoadedSnapshot& loaded) {
  CurrentSnapshot out;
  out.known = known;
  out.tree = loaded.tree;
  out.included = std::move(loaded.included);
  out.shape = std::move(loaded.shape);
  out.base = std::move(loaded.base);
  out.base_shape = std::move(loaded.base_shape);
  return out;
}

std::vector<BlobId> superseded_nodes(const TreeShape& before, const TreeShape& now) {
  std::vector<BlobId> out;
  if (!now.is_whole) return out;  // below a node that can't be had, what is used is not known
  const std::set<BlobId> old = before.ids(), used = now.ids();
  std::ranges::set_difference(old, used, std::back_inserter(out));
  return out;
}

// All that is older is settled.
Stamp DiskIndex::a_minute_ago() const { return stamp_of(*options_.clock, kSettled); }

// Another snapshot counts from now on: what it and its base have no use for is trash.
Answer<void> DiskIndex::take(CurrentSnapshot snapshot) {
  const std::vector<BlobId> superseded = superseded_nodes(*snapshot_.shape, *snapshot.shape);
  snapshot_ = std::move(snapshot);
  generation_ = snapshot_.known->snapshot.tree.generation;
  log_may_shrink_ = true;
  may_collect_ = true;
  is_snapshot_unnamed_ = true;
  Journal& journal = ledger_->journal();
  Answer<void> done = journal.set_snapshot(*snapshot_.known);
  if (done) done = journal.add_trash(superseded, unix_seconds());
  return done;
}

// --- Of others -------------------------------------------------------------------------------------------------------

// What others did. Where a newer snapshot can't be had, what comes after ours is in the logs still.
asio::awaitable<Answer<void>> DiskIndex::read_news(std::optional<Snapshot> shown) {
  const std::optional<Snapshot> current = snapshot_.known ? std::optional{snapshot_.known->snapshot} : std::nullopt;
  Answer<void> out;
  // What was lost of ours may have been stored again.
  const bool is_again = current && snapshot_.tree == current->tree &&
                        ledger_->read([](const State& state) { return static_cast<bool>(state.gaps().lost()); });
  const bool is_news = is_newer(shown, current);
  if ((is_news || is_again) && now() >= adopt_again_) {
    const Journal::KnownSnapshot known = is_news ? Journal::KnownSnapshot{*shown, unix_seconds()} : *snapshot_.known;
    out = co_await adopt(known, known.snapshot);
    if (is_again) adopt_again_ = now() + kPauseAfterFailure;
    if (out) co_return out;
    adopt_again_ = now() + kPauseAfterFailure;
  }
  Peers::Logs logs = co_await peers_->read_logs(snapshot_.included, Peers::Reading::what_is_new);
  const Answer<void> added = co_await add(std::move(logs.operations));
  if (out) out = added;
  if (out && logs.failure) out = *logs.failure;
  co_return out;
}

// They are not read again: where what they need can't be read now, they wait for the next time.
asio::awaitable<Answer<void>> DiskIndex::add(std::vector<Operation> operations) {
  std::ranges::move(operations, std::back_inserter(unapplied_));
  if (unapplied_.empty()) co_return Answer<void>{};
  const auto work = [&] { return ledger_->add(unapplied_); };
  const Answer<ChangeSet> changes = co_await read_for(work, By::loop);
  if (!changes) co_return changes.error();
  unapplied_.clear();
  tell_changes(*changes);
  co_return Answer<void>{};
}

// `known` counts from now on; `from` is it, or what it was made from.
asio::awaitable<Answer<void>> DiskIndex::adopt(Journal::KnownSnapshot known, Snapshot from) {
  Answer<LoadedSnapshot> loaded = co_await snapshots_.read(from);
  if (!loaded) co_return loaded.error();
  // Operations that ours includes and it does not are in the logs alone.
  Peers::Logs logs = co_await peers_->read_logs(loaded->included, Peers::Reading::all);
  std::ranges::copy(logs.operations, std::back_inserter(unapplied_));
  if (logs.failure) {
    static_cast<void>(co_await add({}));
    co_return *logs.failure;
  }
  History history{std::move(loaded->state), loaded->included};
  const GapFiller into_it = filler_of(history);
  const auto add_all = [&] { return history.add(unapplied_); };
  if (const Answer<ChangeSet> added = co_await snapshots_.read_for(add_all, into_it); !added) co_return added.error();
  // What is in memory stays there; where a part of that is lost, ours is better.
  const bool has_lost = static_cast<bool>(ledger_->read([](const State& state) { return state.gaps().lost(); }));
  const auto rebase = [&]() -> Answer<ChangeSet> {
    if (const std::error_code why = history.state().gaps().lost(); why && !has_lost)
      return Failure{why, "a newer snapshot"};
    return ledger_->rebase(history, {});
  };
  const Answer<ChangeSet> changes = co_await snapshots_.read_for(rebase, into_it);
  if (!changes) co_return changes.error();
  unapplied_.clear();
  lost_nodes_.with([](std::set<BlobId>& lost) { lost.clear(); });
  const Answer<void> taken = take(current_snapshot(known, *loaded));
  want_head();  // so that who made it is not needed for it any more
  tell_changes(*changes);
  co_return taken;
}

asio::awaitable<Answer<LoadedSnapshot>> DiskIndex::read_snapshot_again() const {
  if (!snapshot_.tree) co_return Failure{Errc::not_found};
  const bool is_newest = snapshot_.known->snapshot.tree == snapshot_.tree;
  const Snapshot made_from = is_newest ? snapshot_.known->snapshot : Snapshot{*snapshot_.tree, {}};
  Answer<LoadedSnapshot> loaded = co_await snapshots_.read(made_from);
  while (loaded && !loaded->state.is_whole()) {
    const std::set<BlobId> unread = loaded->state.gaps().unread();
    if (unread.empty()) co_return Failure{loaded->state.gaps().lost()};
    const GapFiller gaps = filler_of(loaded->state);
    const Answer<void> read = co_await snapshots_.read_leaves(unread, gaps);
    if (!read) co_return read.error();
  }
  co_return loaded;
}

// --- Of our own ------------------------------------------------------------------------------------------------------

// How long until this mount should make one; none: nothing is to be put in one.
std::optional<Clock::Steady> DiskIndex::snapshot_due() const {
  // Of what can't all be read, none can be made.
  if (ledger_->read([](const State& state) { return state.gaps().lost(); })) return std::nullopt;
  const std::uint64_t operations = ledger_->operation_count();
  // Too few where not all is in memory: then it is read before one is made.
  const std::size_t inodes = ledger_->read([](const State& state) { return state.inode_count(); });
  const std::uint64_t many = std::max(options_.snapshot_after, inodes / 10);
  if (operations >= many) {
    if (ledger_->operations_before(a_minute_ago()) >= many) return Clock::Steady{};
    return Clock::Steady{kSettled};
  }
  const bool base_is_older = snapshot_.known && snapshot_.base != snapshot_.included;
  if (operations == 0 && !base_is_older) return std::nullopt;
  const std::uint64_t last =
      snapshot_.known ? snapshot_.known->snapshot.tree.stamp.milliseconds() : ledger_->first_operation().milliseconds();
  const std::chrono::milliseconds age = std::chrono::duration_cast<std::chrono::milliseconds>(
      options_.clock->wall().time_since_epoch() - std::chrono::milliseconds{last});
  return std::max<Clock::Steady>(kDay - age, Clock::Steady{});
}

bool DiskIndex::is_snapshot_due() const {
  if (reading_all_ || writing_snapshot_ || !unapplied_.empty() || now() < snapshot_again_ || now() < commit_again_)
    return false;
  const std::optional<Clock::Steady> due = snapshot_due();
  return due && *due == Clock::Steady{};
}

asio::awaitable<void> DiskIndex::begin_snapshot() {
  if (!is_snapshot_due()) {
    snapshot_at_ = {};
    co_return;
  }
  if (!is_whole()) {
    begin_reading_all();
    co_return;
  }
  if (!options_.only_writer) {
    if (snapshot_at_ == Clock::Steady{}) snapshot_at_ = now() + snapshot_pause_;
    if (now() < snapshot_at_) co_return;
    snapshot_at_ = {};
    static_cast<void>(co_await do_refresh());
    if (!got_every_head_) snapshot_again_ = now() + kPauseAfterFailure;
    if (!is_snapshot_due()) co_return;
  }
  const auto hashes = ledger_->read([](const State& state) { return state.hashes(); });
  snapshot_.shape = std::make_shared<const TreeShape>(with_hashes(*snapshot_.shape, hashes));
  const Clock::Steady begun = now();
  co_await do_commit();
  if (uploads_) snapshot_again_ = now() + kPauseAfterFailure;  // it has not been done
  // Another one that is not all in memory may count by now.
  if (!is_snapshot_due() || !is_whole()) co_return;
  writing_snapshot_ = true;
  const auto frozen = std::make_shared<Frozen>(ledger_->freeze(std::min(committed_, a_minute_ago())));
  asio::co_spawn(strand_, write_snapshot(shared_from_this(), frozen, begun),
                 [self = shared_from_this()](const std::exception_ptr& thrown, const Answer<void>& done) {
                   if (thrown || !done) self->writing_snapshot_ = false;
                   if (self->ends()) return;
                   if (thrown || !done) self->snapshot_again_ = self->now() + kPauseAfterFailure;
                   if (!thrown && !done) self->note(done.error());
                   self->alarm_->wake();
                 });
}

// Beside the loop, as it may take long.
void DiskIndex::begin_reading_all() {
  reading_all_ = true;
  asio::co_spawn(strand_, read_all(),
                 [self = shared_from_this()](const std::exception_ptr& thrown, const Answer<void>& done) {
                   self->reading_all_ = false;
                   if (self->ends()) return;
                   if (thrown || !done) self->snapshot_again_ = self->now() + kPauseAfterFailure;
                   if (!thrown && !done) self->note(done.error());
                   self->alarm_->wake();
                 });
}

// Beside the loop.
asio::awaitable<Answer<void>> DiskIndex::write_snapshot(std::shared_ptr<DiskIndex> self, std::shared_ptr<Frozen> frozen,
                                                        Clock::Steady begun) {
  const std::optional<SnapshotBase> from = self->snapshot_.tree;
  prune(*frozen, self->snapshot_.included);
  // Until the snapshot counts, its nodes are trash: a kill leaves nothing that nobody knows of.
  const NodesFunction fresh = [self](const std::vector<BlobId>& nodes) -> Answer<void> {
    if (self->ends()) return Failure{Errc::stopping};
    return self->ledger_->journal().add_trash(nodes, self->unix_seconds());
  };
  Answer<TreeShape> shape = co_await self->snapshots_.write(frozen, self->snapshot_.shape, fresh);
  if (!shape) co_return shape.error();
  self->written_ = std::make_unique<WrittenSnapshot>(WrittenSnapshot{frozen, std::move(*shape), from, begun});
  co_return Answer<void>{};
}

asio::awaitable<void> DiskIndex::take_written() {
  if (!written_) co_return;
  std::unique_ptr<WrittenSnapshot> written = std::move(written_);
  // Others may have made one meanwhile.
  if (!options_.only_writer && now() - written->begun > kLongestWriting) static_cast<void>(co_await do_refresh());
  const bool counts = snapshot_.tree == written->from && (options_.only_writer || got_every_head_);
  const Answer<void> taken = counts ? take_snapshot(*written->frozen, std::move(written->shape)) : Answer<void>{};
  if (!taken) note(taken.error());
  if (!taken || !counts) snapshot_again_ = now() + kPauseAfterFailure;
  writing_snapshot_ = false;
  written.reset();
  ::malloc_trim(0);  // the operations that it includes were in many small pieces
}

Answer<void> DiskIndex::take_snapshot(const Frozen& frozen, TreeShape shape) {
  Result<State> state = State::of(state_options_, frozen.contents);
  if (!state) return Failure{state.error(), "a snapshot"};
  const Answer<ChangeSet> changes = ledger_->rebase(std::move(*state), frozen.included, {});
  if (!changes) return changes.error();
  Snapshot snapshot;
  snapshot.tree.generation = snapshot_.known ? snapshot_.known->snapshot.tree.generation + 1 : 1;
  snapshot.tree.stamp = ledger_->draw();
  snapshot.tree.root = shape.root();
  snapshot.tree.height = shape.height();
  snapshot.base = snapshot_.tree;
  CurrentSnapshot current;
  current.known = Journal::KnownSnapshot{snapshot, unix_seconds()};
  current.tree = snapshot.tree;
  current.included = frozen.included;
  current.shape = std::make_shared<const TreeShape>(std::move(shape));
  current.base = snapshot_.included;
  current.base_shape = snapshot_.shape;
  const Answer<void> taken = take(std::move(current));
  want_head();
  tell_changes(*changes);
  return taken;
}

// A head that names it is in the store: what it has is no trash any more. Before that a kill may let another one count,
// and nobody would know of these nodes.
Answer<void> DiskIndex::keep_snapshot() {
  if (!is_snapshot_unnamed_) return {};
  const std::set<BlobId> used = snapshot_.shape->ids();
  const Answer<void> kept = ledger_->journal().remove_trash({used.begin(), used.end()});
  if (kept) is_snapshot_unnamed_ = false;
  return kept;
}

// --- The log ---------------------------------------------------------------------------------------------------------

// Before a commit: what the newest snapshot and its base both include need not be said any more, after a day in which
// everyone can have seen that.
Answer<void> DiskIndex::drop_log() {
  if (!log_may_shrink_ || !snapshot_.known || unix_seconds() - snapshot_.known->since < kDropAfter) return {};
  const Answer<bool> dropped = ledger_->journal().drop_log(
      [&](const Stamp& stamp) { return snapshot_.included.has(stamp) && snapshot_.base.has(stamp); });
  if (!dropped) return dropped.error();
  if (*dropped) want_head();
  log_may_shrink_ = false;
  return {};
}

}  // namespace spotfs
