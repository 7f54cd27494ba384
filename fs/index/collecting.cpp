// What replaced and removed contents leave in the store is deleted by the one writer that there ever was: where nobody
// else can know of it, after the commit of the operation, elsewhere an hour later, and when nobody has the file open
// any more (files.md, "Space"). All else waits for a sweep: sweeping.cpp.
#include <algorithm>
#include <limits>
#include <set>

#include <boost/asio/co_spawn.hpp>

#include "fs/content/collect.hpp"
#include "fs/index/disk_index.hpp"

namespace spotfs {

namespace {

constexpr std::size_t kAtOnce = 256;  // contents that are read from the journal
constexpr std::int64_t kAnyTime = std::numeric_limits<std::int64_t>::max();

}  // namespace

class DiskIndex::Hold {
 public:
  Hold(std::weak_ptr<DiskIndex> index, const InodeId& inode) : index_{std::move(index)}, inode_{inode} {}
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;
  ~Hold() {
    const auto index = index_.lock();
    if (!index) return;
    const bool frees_trash = index->held_.with([&](auto& held) {
      const auto known = held.find(inode_);
      if (--known->second.count != 0) return false;
      const bool keeps_trash = known->second.keeps_trash;
      if (keeps_trash) index->collect_afresh_ = true;
      held.erase(known);
      return keeps_trash;
    });
    if (!frees_trash) return;
    index->may_collect_ = true;
    index->alarm_->wake();
  }

 private:
  const std::weak_ptr<DiskIndex> index_;
  const InodeId inode_;
};

std::shared_ptr<const void> DiskIndex::hold(InodeId inode) {
  held_.with([&](auto& held) { ++held[inode].count; });
  return std::make_shared<Hold>(weak_from_this(), inode);
}

// The loop's.
void DiskIndex::start_collecting() {
  if (!options_.only_writer || peers_->count() > 1 || collecting_ || !may_collect_.exchange(false)) return;
  collecting_ = true;
  asio::co_spawn(strand_, collect(shared_from_this()), [self = shared_from_this()](const std::exception_ptr&) {
    self->collecting_ = false;
    if (self->may_collect_ || self->is_tidying_due()) self->alarm_->wake();
  });
}

// A file that is written for long, and not closed, keeps much: what was looked at once is not looked at again until
// somebody lets go of such a file.
asio::awaitable<void> DiskIndex::collect(std::shared_ptr<DiskIndex> self) {
  if (self->collect_afresh_.exchange(false)) self->collected_ = 0;
  const std::int64_t all = self->ledger_->journal().last_settled_replaced();
  Answer<void> done = co_await self->collect_all(kAnyTime, self->collected_);
  if (done) self->collected_ = all;
  if (done) done = co_await self->empty_trash(kAnyTime);
  if (!done) self->note(done.error());
}

bool DiskIndex::is_held(const InodeId& inode) {
  return held_.with([&](auto& held) {
    const auto known = held.find(inode);
    return known != held.end() && (known->second.keeps_trash = true);
  });
}

asio::awaitable<Answer<void>> DiskIndex::collect_all(std::int64_t until, std::int64_t after) {
  const bool is_rest = after != 0;
  std::set<InodeId> later;  // what an inode had before must go first
  for (;;) {
    const Answer<std::vector<Journal::Replaced>> some =
        ledger_->journal().replaced(until, Journal::Chunks::own, after, kAtOnce);
    if (!some) co_return some.error();
    for (const Journal::Replaced& one : *some) {
      after = one.number;
      if (requests_.with([](const Requests& requests) { return requests.closing; })) co_return Answer<void>{};
      if (is_held(one.inode)) later.insert(one.inode);
      if (is_rest && collect_afresh_) co_return Answer<void>{};  // it may be this inode's, of which more comes first
      if (later.contains(one.inode)) continue;
      const Answer<void> erased = co_await erase_replaced(contents_, one.old, one.now);
      if (!erased) {
        note(erased.error());
        later.insert(one.inode);
        collect_afresh_ = true;
        continue;
      }
      const Answer<void> forgotten = ledger_->journal().forget_replaced(one.number);
      if (!forgotten) co_return forgotten.error();
    }
    if (some->size() < kAtOnce) co_return Answer<void>{};
  }
}

// Pieces and lists that the log no longer names, and nodes of snapshots that do not count. The base of the newest is
// kept: it is read where the newest can't be.
asio::awaitable<Answer<void>> DiskIndex::empty_trash(std::int64_t until) {
  // The nodes of one that is being written are in the trash; those that a head names are needed.
  if (writing_snapshot_ || is_head_old()) co_return Answer<void>{};
  // What the newest and its base have is kept, so it must be known.
  const std::optional<Journal::KnownSnapshot>& known = snapshot_.known;
  const bool lacks_newest = known && snapshot_.tree != known->snapshot.tree;
  const bool lacks_base = known && known->snapshot.base && snapshot_.base_shape->levels.empty();
  if (lacks_newest || lacks_base || !snapshot_.shape->is_whole) co_return Answer<void>{};
  const Answer<std::vector<BlobId>> trash = ledger_->journal().trash(until);
  if (!trash) co_return trash.error();
  const std::set<BlobId> newest = snapshot_.shape->ids(), base = snapshot_.base_shape->ids();
  std::vector<BlobId> gone;
  std::ranges::copy_if(*trash, std::back_inserter(gone),
                       [&](const BlobId& id) { return !newest.contains(id) && !base.contains(id); });
  const Answer<void> erased = co_await contents_->erase(gone);
  if (!erased) co_return erased;
  co_return ledger_->journal().remove_trash(gone);
}

}  // namespace spotfs
