// What nobody names any more is deleted where others may have named it: by a walk over all that is named, a day after
// it became trash (files.md, "Space").
#include <algorithm>

#include <boost/asio/co_spawn.hpp>

#include "fs/index/commit.hpp"
#include "fs/index/disk_index.hpp"

namespace spotfs {

namespace {

constexpr std::int64_t kHour = std::chrono::seconds{std::chrono::hours{1}}.count();
constexpr std::int64_t kDay = 24 * kHour;
constexpr std::chrono::minutes kTidyingPause{10};
constexpr std::chrono::hours kPauseInVain{1};            // where the last time changed nothing
constexpr std::chrono::hours kPauseOfSweeps{6};          // however the last one went
constexpr std::size_t kAtOnce = 256;                     // contents that are read from the journal
constexpr std::size_t kMaxBlobs = std::size_t{1} << 18;  // that one walk is for
constexpr std::size_t kLeavesAtOnce = 64;

}  // namespace

// What the logs and the snapshots name; what the disk itself names is in memory, or in leaves that were not read.
struct DiskIndex::Everything {
  std::vector<Reference> logged;
  std::set<BlobId> blobs;      // pieces and lists of logs, nodes of snapshots
  std::vector<BlobId> leaves;  // of the newest snapshot and of its base
};

// --- When ------------------------------------------------------------------------------------------------------------

bool DiskIndex::is_tidying_due() const {
  if (collecting_ || now() < tidy_again_) return false;
  return !requests_.with([](const Requests& requests) { return requests.closing; });
}

asio::awaitable<void> DiskIndex::begin_tidying() {
  if (!is_tidying_due()) co_return;
  tidy_again_ = now() + kTidyingPause;
  const std::optional<std::int64_t> oldest = ledger_->journal().oldest_trash();
  const std::int64_t needed = peers_->count() == 1 && !options_.only_writer ? kHour : kDay;
  if (!oldest || unix_seconds() - *oldest < needed) co_return;
  const std::optional<std::uint64_t> before = std::exchange(trash_before_, ledger_->journal().trash_count());
  if (before == trash_before_) tidy_again_ = now() + kPauseInVain;
  if (!options_.only_writer) static_cast<void>(co_await do_refresh());
  collecting_ = true;
  asio::co_spawn(strand_, tidy(shared_from_this()),
                 [self = shared_from_this()](const std::exception_ptr& thrown, const Answer<void>& done) {
                   self->collecting_ = false;
                   if (self->ends()) return;
                   if (!thrown && !done) self->note(done);
                   self->alarm_->wake();
                 });
}

// Beside the loop, after a refresh.
asio::awaitable<Answer<void>> DiskIndex::tidy(std::shared_ptr<DiskIndex> self) {
  const std::int64_t begun = self->unix_seconds();
  if (self->peers_->count() == 1 && (self->options_.only_writer || self->got_every_head_)) {
    Answer<void> done = co_await self->collect_all(begun - kHour, 0);
    if (done) done = co_await self->empty_trash(begun - kHour);
    if (!done) co_return done;
  }
  const std::optional<std::int64_t> oldest = self->ledger_->journal().oldest_trash();
  const std::int64_t swept_at = self->ledger_->journal().swept();
  const bool was_today = swept_at <= begun && begun - swept_at < kDay;
  if (!oldest || begun - *oldest < kDay || was_today || self->now() < self->sweep_again_) co_return Answer<void>{};
  self->sweep_again_ = self->now() + kPauseOfSweeps;
  const Answer<Swept> swept = co_await sweep_beside(self);
  if (!swept) co_return swept.error();
  co_return Answer<void>{};
}

// In the loop; what it begins goes on beside it, whether or not its caller waits.
asio::awaitable<Answer<void>> DiskIndex::begin_sweep(std::shared_ptr<DiskIndex> self, std::shared_ptr<SweptShot> done) {
  if (!self->options_.only_writer) {
    const Answer<void> fresh = co_await self->do_refresh();
    if (!fresh) co_return fresh.error();
  }
  if (self->collecting_) co_return Failure{Errc::refused, "another sweep is under way"};
  self->collecting_ = true;
  asio::co_spawn(self->strand_, sweep_beside(self),
                 [self, done](const std::exception_ptr& thrown, const Answer<Swept>& swept) {
                   self->collecting_ = false;
                   self->alarm_->wake();
                   done->give(thrown ? Answer<Swept>{Failure{Errc::stopping}} : swept);
                 });
  co_return Answer<void>{};
}

// --- What ------------------------------------------------------------------------------------------------------------

asio::awaitable<Answer<Swept>> DiskIndex::sweep_beside(std::shared_ptr<DiskIndex> self) {
  const std::int64_t begun = self->unix_seconds();
  Journal& journal = self->ledger_->journal();
  const Answer<std::shared_ptr<const Everything>> named = co_await self->all_that_is_named();
  if (!named) co_return named.error();
  Swept out;
  const Answer<std::uint64_t> contents = co_await self->sweep_contents(begun - kDay, *named);
  if (!contents) co_return contents.error();
  const Answer<std::uint64_t> blobs = co_await self->sweep_blobs(begun - kDay, *named);
  if (!blobs) co_return blobs.error();
  out.blobs = *contents + *blobs;
  const Answer<void> noted = journal.set_swept(begun);
  if (!noted) co_return noted.error();
  out.left = journal.trash_count();
  co_return out;
}

asio::awaitable<Answer<std::shared_ptr<const DiskIndex::Everything>>> DiskIndex::all_that_is_named() {
  // Others may name what this mount does not know of.
  if (!options_.only_writer && (!got_every_head_ || !peers_->is_complete() || now() < adopt_again_))
    co_return Failure{Errc::offline, "not all that the other writers say could be had"};
  // Where the newest can't be read, what it names is not known.
  if (snapshot_.known && (snapshot_.tree != snapshot_.known->snapshot.tree || !snapshot_.shape->is_whole))
    co_return Failure{Errc::not_found, "the newest snapshot"};
  const auto out = std::make_shared<Everything>();
  std::set<BlobId> leaves;
  for (const auto& shape : {snapshot_.shape, snapshot_.base_shape}) {
    out->blobs.merge(shape->ids());
    for (const NodeRef& leaf : shape->level(0)) leaves.insert(leaf.id);
  }
  // The base's shape is empty where it could not be read, and it is read where the newest can't be.
  if (snapshot_.known && snapshot_.known->snapshot.base && snapshot_.base_shape->levels.empty())
    co_return Failure{Errc::not_found, "the base of the newest snapshot"};
  out->leaves.assign(leaves.begin(), leaves.end());

  const Answer<Peers::Named> others = co_await peers_->read_all_named();
  if (!others) co_return others.error();
  Journal& journal = ledger_->journal();
  const Answer<std::vector<Operation>> own = journal.operations();
  if (!own) co_return own.error();
  for (const auto* operations : {&others->operations, &*own}) {
    for (const Operation& operation : *operations) {
      if (const std::optional<Reference> content = content_of(operation)) out->logged.push_back(*content);
    }
  }
  out->blobs.insert(others->blobs.begin(), others->blobs.end());
  const Answer<std::vector<LogListBlob>> lists = journal.lists();
  if (!lists) co_return lists.error();
  std::vector<std::int64_t> places{0};
  for (const LogListBlob& list : *lists) {
    out->blobs.insert(list.id);
    places.push_back(list.number);
  }
  for (const std::int64_t place : places) {
    const Answer<std::vector<LogPiece>> pieces = journal.pieces(place);
    if (!pieces) co_return pieces.error();
    for (const LogPiece& piece : *pieces) out->blobs.insert(piece.ref.id);
  }
  co_return out;
}

asio::awaitable<Answer<void>> DiskIndex::meet_all(Sweep& sweep, std::shared_ptr<const Everything> named) {
  std::vector<Reference> present;
  std::set<BlobId> unread;
  const std::error_code lost = ledger_->read([&](const State& state) {
    state.each_inode([&](const InodeId&, const InodePtr& inode) {
      if (inode->reference && inode->reference->id) present.push_back(*inode->reference);
    });
    unread = state.gaps().unread();
    return state.gaps().lost();
  });
  if (lost) co_return Failure{lost, "the newest snapshot"};
  for (const Reference& content : present) {
    const Answer<void> met = co_await sweep.meet(Sweep::By::disk, content);
    if (!met) co_return met;
  }
  for (const Reference& content : named->logged) {
    const Answer<void> met = co_await sweep.meet(Sweep::By::history, content);
    if (!met) co_return met;
  }
  std::vector<BlobId> of_disk{unread.begin(), unread.end()};
  const Answer<void> met = co_await meet_leaves(sweep, Sweep::By::disk, std::move(of_disk));
  if (!met) co_return met;
  co_return co_await meet_leaves(sweep, Sweep::By::history, named->leaves);
}

asio::awaitable<Answer<void>> DiskIndex::meet_leaves(Sweep& sweep, Sweep::By by, std::vector<BlobId> all) {
  for (std::size_t begin = 0; begin < all.size(); begin += kLeavesAtOnce) {
    const std::size_t end = std::min(all.size(), begin + kLeavesAtOnce);
    std::vector<BlobId> leaves{all.begin() + static_cast<std::ptrdiff_t>(begin),
                               all.begin() + static_cast<std::ptrdiff_t>(end)};
    const Answer<std::vector<Reference>> contents = co_await snapshots_.read_references(std::move(leaves));
    if (!contents) co_return contents.error();
    for (const Reference& content : *contents) {
      const Answer<void> met = co_await sweep.meet(by, content);
      if (!met) co_return met;
    }
  }
  co_return Answer<void>{};
}

asio::awaitable<Answer<std::uint64_t>> DiskIndex::sweep_contents(std::int64_t until,
                                                                 std::shared_ptr<const Everything> named) {
  std::uint64_t deleted = 0;
  for (std::int64_t after = 0;;) {
    Sweep sweep{contents_};
    std::vector<Reference> held;  // someone reads them
    bool is_last = false;
    while (!is_last && sweep.size() < kMaxBlobs) {
      const Answer<std::vector<Journal::Replaced>> some =
          ledger_->journal().replaced(until, Journal::Chunks::any, after, kAtOnce);
      if (!some) co_return some.error();
      is_last = some->size() < kAtOnce;
      for (const Journal::Replaced& one : *some) {
        after = one.number;
        if (is_held(one.inode)) {
          held.push_back(one.old);
          continue;
        }
        const Answer<void> added = co_await sweep.add(one.number, one.old);
        if (!added) co_return added.error();
      }
    }
    for (const Reference& content : held) {
      const Answer<void> met = co_await sweep.meet(Sweep::By::history, content);
      if (!met) co_return met.error();
    }
    const Answer<void> met = co_await meet_all(sweep, named);
    if (!met) co_return met.error();
    if (ends()) co_return Failure{Errc::stopping};
    const Answer<Sweep::Swept> swept = co_await sweep.erase();
    if (!swept) co_return swept.error();
    deleted += swept->blobs;
    for (const std::int64_t number : swept->over) {
      const Answer<void> forgotten = ledger_->journal().forget_replaced(number);
      if (!forgotten) co_return forgotten.error();
    }
    if (is_last) co_return deleted;
  }
}

// Pieces and lists that no log names, nodes of snapshots that do not count.
asio::awaitable<Answer<std::uint64_t>> DiskIndex::sweep_blobs(std::int64_t until,
                                                              std::shared_ptr<const Everything> named) {
  // The nodes of one that is being written are in the trash, for more than a day where the machine slept meanwhile.
  if (writing_snapshot_) co_return 0;
  const Answer<std::vector<BlobId>> trash = ledger_->journal().trash(until);
  if (!trash) co_return trash.error();
  std::vector<BlobId> gone;
  std::ranges::copy_if(*trash, std::back_inserter(gone), [&](const BlobId& id) { return !named->blobs.contains(id); });
  const Answer<void> erased = co_await contents_->erase(gone);
  if (!erased) co_return erased.error();
  const Answer<void> removed = ledger_->journal().remove_trash(gone);
  if (!removed) co_return removed.error();
  co_return gone.size();
}

}  // namespace spotfs
