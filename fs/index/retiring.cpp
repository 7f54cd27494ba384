// Which writers nobody needs to read any more (files.md, "Dead writers").
#include "client/base/encoding.hpp"
#include "fs/index/commit.hpp"
#include "fs/index/disk_index.hpp"

namespace spotfs {

namespace {

constexpr std::chrono::hours kDeadAfter{30 * 24};  // without a new head
constexpr std::chrono::hours kLookAgain{24};

}  // namespace

asio::awaitable<Answer<void>> DiskIndex::do_retire(WriterId writer) {
  if (writer == ledger_->journal().writer())
    co_return Failure{Errc::refused, "writer " + spot::base64url(writer) + " is this mount itself"};
  if (const Answer<void> fresh = co_await do_refresh(); !fresh) co_return fresh;
  const std::function<bool(const Stamp&)> is_kept = [this](const Stamp& stamp) {
    return snapshot_.included.has(stamp) && snapshot_.base.has(stamp);
  };
  if (const Answer<void> allowed = co_await peers_->may_retire(writer, is_kept); !allowed) co_return allowed;
  if (peers_->is_retired(writer)) co_return Answer<void>{};
  // Ours says what of it we have seen.
  want_head();
  // Nothing that would have to be uploaded first.
  const Answer<Stamp> committed = co_await commit_once(has_queue() ? std::optional{committed_} : std::nullopt);
  if (!committed) co_return committed.error();
  co_return co_await peers_->retire(writer, ledger_->draw());
}

// By one who has heard of all, and whose head names the snapshot that has what they did.
asio::awaitable<void> DiskIndex::retire_dead() {
  if (!got_every_head_ || !snapshot_.known || is_head_old() || now() < retire_again_) co_return;
  retire_again_ = now() + kLookAgain;
  for (const WriterId& writer : peers_->unchanged_since(stamp_of(*options_.clock, kDeadAfter))) {
    const Answer<void> retired = co_await do_retire(writer);
    const bool is_needed = !retired && retired.error().code == Errc::refused;
    if (!retired && !is_needed) note(retired.error());
  }
}

// After a clean end: a writer whose log is empty has nothing that others need, if another names the snapshot too.
asio::awaitable<void> DiskIndex::retire_self() {
  if (options_.only_writer || is_head_old() || !snapshot_.known) co_return;
  const Answer<LogList> log = head_log(ledger_->journal());
  if (!log || log->older || !log->pieces.empty() || ledger_->journal().unstored_count() != 0) co_return;
  const WriterId self = ledger_->journal().writer();
  static_cast<void>(co_await do_refresh());
  if (!got_every_head_ || !peers_->is_named_by_another(snapshot_.known->snapshot)) co_return;
  const Answer<void> retired = co_await peers_->retire(self, ledger_->draw());
  if (!retired) note(retired.error());
}

}  // namespace spotfs
