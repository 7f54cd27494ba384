// What people ask for now and then: are the logs whole, is a writer to be retired, is an older head all that there is?
#include <algorithm>

#include "fs/content/check.hpp"
#include "fs/index/commit.hpp"
#include "fs/index/disk_index.hpp"

namespace spotfs {

template <class T>
asio::awaitable<Answer<T>> DiskIndex::in_loop(std::function<asio::awaitable<Answer<T>>()> work) {
  using Shot = spot::OneShot<Answer<T>>;
  const auto done = std::make_shared<Shot>();
  Job job;
  job.work = [work = std::move(work), done]() -> asio::awaitable<void> {
    Answer<T> answer = co_await work();
    done->give(std::move(answer));
  };
  job.abandon = [done] { done->give(Failure{Errc::stopping}); };
  const bool ended = requests_.with([&](Requests& requests) {
    if (!requests.ended) requests.jobs.push_back(std::move(job));
    return requests.ended;
  });
  if (ended) co_return Failure{Errc::stopping};
  alarm_->wake();
  co_return co_await Shot::wait(done);
}

// --- Are the logs whole? ---------------------------------------------------------------------------------------------

asio::awaitable<Answer<std::optional<LogFault>>> DiskIndex::check_own_head() {
  const Journal& journal = ledger_->journal();
  if (is_head_old() || journal.counter() == 0) co_return std::optional<LogFault>{};
  const WriterId self = journal.writer();
  const Answer<SealedStore::SealedHead> head = co_await store_->fetch_head(self);
  std::error_code why = head ? std::error_code{} : head.error().code;
  if (head && head->head.counter < journal.counter()) why = make_error_code(Errc::rollback);
  if (!why) co_return std::optional<LogFault>{};
  if (!cannot_be_had(why)) co_return head.error();
  want_head();
  co_return LogFault{self, head_key(self), why, true};
}

TwoStores DiskIndex::two_stores() const { return {origin_, origin_ == store_ ? nullptr : store_}; }

// The loop's.
asio::awaitable<Answer<std::set<BlobId>>> DiskIndex::snapshot_nodes() const { co_return snapshot_.shape->ids(); }

asio::awaitable<Answer<std::vector<LogFault>>> DiskIndex::check_snapshot() {
  const std::function<asio::awaitable<Answer<std::set<BlobId>>>()> in_use = [this] { return snapshot_nodes(); };
  const Answer<std::set<BlobId>> before = co_await in_loop<std::set<BlobId>>(in_use);
  if (!before) co_return before.error();
  const TwoStores only_asked{origin_, nullptr};
  std::vector<BlobId> nodes{before->begin(), before->end()};
  const Answer<std::vector<LostBlob>> missed = co_await check_nodes(strand_, only_asked, std::move(nodes));
  if (!missed) co_return missed.error();
  if (missed->empty()) co_return std::vector<LogFault>{};
  // Another snapshot may count by now, and what it has no use for be gone.
  const Answer<std::set<BlobId>> after = co_await in_loop<std::set<BlobId>>(in_use);
  if (!after) co_return after.error();
  std::vector<BlobId> wanted;
  for (const LostBlob& node : *missed) {
    if (after->contains(node.id)) wanted.push_back(node.id);
  }
  const Answer<std::vector<LostBlob>> lost = co_await check_nodes(strand_, two_stores(), std::move(wanted));
  if (!lost) co_return lost.error();
  std::vector<LogFault> faults;
  for (const LostBlob& node : *lost)
    faults.push_back(LogFault{std::nullopt, content_key(node.id), node.why, node.is_restored});
  co_return faults;
}

asio::awaitable<Answer<std::vector<LogFault>>> DiskIndex::check_logs() {
  // What is not committed has nothing to be checked.
  if (const Answer<void> committed = co_await commit(); !committed) co_return committed.error();
  std::vector<LogFault> faults;
  const Answer<void> identity = co_await store_->check_identity();
  if (!identity) {
    if (!cannot_be_had(identity.error().code)) co_return identity.error();
    faults.push_back(LogFault{std::nullopt, kStoreKey, identity.error().code});
  }
  const Answer<std::vector<LogFault>> of_others = co_await peers_->check_logs(two_stores());
  if (!of_others) co_return of_others.error();
  faults.insert(faults.end(), of_others->begin(), of_others->end());
  const Answer<std::vector<LogFault>> of_snapshot = co_await check_snapshot();
  if (!of_snapshot) co_return of_snapshot.error();
  faults.insert(faults.end(), of_snapshot->begin(), of_snapshot->end());

  const std::function<asio::awaitable<Answer<std::optional<LogFault>>>()> own_head = [this] {
    return check_own_head();
  };
  const Answer<std::optional<LogFault>> head = co_await in_loop<std::optional<LogFault>>(own_head);
  if (!head) co_return head.error();
  if (*head) faults.push_back(**head);
  const Answer<LogList> log = head_log(ledger_->journal());
  if (!log) co_return log.error();
  const Answer<std::vector<LostBlob>> lost = co_await check_log(two_stores(), *log);
  if (!lost) co_return lost.error();
  if (lost->empty()) co_return faults;

  const std::vector<LostBlob> own = *lost;
  const std::function<asio::awaitable<Answer<void>>()> store_again = [this, own]() -> asio::awaitable<Answer<void>> {
    for (const LostBlob& blob : own) {
      if (blob.is_restored) continue;
      if (const Answer<void> marked = ledger_->journal().set_lost(blob.id); !marked) co_return marked;
      want_head();
    }
    co_return Answer<void>{};
  };
  const Answer<void> marked = co_await in_loop<void>(store_again);
  for (const LostBlob& blob : own) {
    const bool is_restored = blob.is_restored || marked.has_value();
    faults.push_back(LogFault{ledger_->journal().writer(), content_key(blob.id), blob.why, is_restored});
  }
  co_return faults;
}

// What the store has lost of our log is in the journal, and stored again by the next commit. False: nothing is lost.
asio::awaitable<Answer<bool>> DiskIndex::recover_log() {
  const auto found = std::make_shared<bool>(false);
  const std::function<asio::awaitable<Answer<void>>()> work = [this, found]() -> asio::awaitable<Answer<void>> {
    Journal& journal = ledger_->journal();
    const Answer<std::vector<LogListBlob>> lists = journal.lists();
    if (!lists) co_return lists.error();
    std::vector<std::int64_t> places{0};
    std::vector<BlobId> ids;
    for (const LogListBlob& list : *lists) {
      ids.push_back(list.id);
      places.push_back(list.number);
    }
    for (const std::int64_t place : places) {
      const Answer<std::vector<LogPiece>> pieces = journal.pieces(place);
      if (!pieces) co_return pieces.error();
      for (const LogPiece& piece : *pieces) ids.push_back(piece.ref.id);
    }
    for (const BlobId& id : ids) {
      if (!store_->blobs().is_lost(content_key(id))) continue;
      *found = true;
      if (const Answer<void> marked = journal.set_lost(id); !marked) co_return marked;
    }
    if (*found) want_head();
    co_return Answer<void>{};
  };
  const Answer<void> done = co_await in_loop<void>(work);
  if (!done) co_return done.error();
  co_return *found;
}

// --- Writers ---------------------------------------------------------------------------------------------------------

asio::awaitable<Answer<void>> DiskIndex::retire(WriterId writer) {
  const std::function<asio::awaitable<Answer<void>>()> work = [self = shared_from_this(), writer] {
    return self->do_retire(writer);
  };
  return in_loop<void>(work);
}

asio::awaitable<Answer<Swept>> DiskIndex::sweep() {
  const auto done = std::make_shared<SweptShot>();
  const std::function<asio::awaitable<Answer<void>>()> work = [self = shared_from_this(), done] {
    return begin_sweep(self, done);
  };
  const Answer<void> begun = co_await in_loop<void>(work);
  if (!begun) co_return begun.error();
  co_return co_await SweptShot::wait(done);
}

asio::awaitable<Answer<std::vector<WriterId>>> DiskIndex::do_accept_older() {
  const Answer<void> fresh = co_await do_refresh();
  if (!fresh && !cannot_be_had(fresh.error().code)) co_return fresh.error();
  Answer<std::vector<WriterId>> accepted = co_await peers_->accept_older();
  if (accepted && !accepted->empty()) static_cast<void>(co_await do_refresh());
  co_return accepted;
}

// The snapshot that the newest was made from, and the logs, where that one has not lost the same.
asio::awaitable<Answer<void>> DiskIndex::fall_back() {
  const std::function<asio::awaitable<Answer<void>>()> work =
      [self = shared_from_this()]() -> asio::awaitable<Answer<void>> {
    const std::set<BlobId> lost = self->lost_nodes_.with([](const std::set<BlobId>& nodes) { return nodes; });
    Answer<void> done = co_await self->adopt_base(lost);
    // Once for each, unless nobody could be asked.
    if (done || !is_unreachable(done.error().code))
      self->lost_nodes_.with([&](std::set<BlobId>& nodes) {
        std::erase_if(nodes, [&](const BlobId& node) { return lost.contains(node); });
      });
    co_return done;
  };
  return in_loop<void>(work);
}

asio::awaitable<Answer<void>> DiskIndex::adopt_base(const std::set<BlobId>& lost) {
  const std::optional<Journal::KnownSnapshot> known = snapshot_.known;
  const bool has_base = known && snapshot_.tree == known->snapshot.tree && known->snapshot.base;
  if (lost.empty() || !has_base || writing_snapshot_) co_return Answer<void>{};
  const std::set<BlobId> shared = snapshot_.base_shape->ids();
  if (shared.empty() || std::ranges::any_of(lost, [&](const BlobId& node) { return shared.contains(node); }))
    co_return Answer<void>{};
  Snapshot base;
  base.tree = *known->snapshot.base;
  co_return co_await adopt(*known, base);
}

asio::awaitable<Answer<std::vector<WriterId>>> DiskIndex::accept_older() {
  const std::function<asio::awaitable<Answer<std::vector<WriterId>>>()> work = [self = shared_from_this()] {
    return self->do_accept_older();
  };
  return in_loop<std::vector<WriterId>>(work);
}

}  // namespace spotfs
