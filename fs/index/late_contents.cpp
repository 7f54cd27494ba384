// What was written while nothing was heard of the others for long: they may have removed, and a sweep deleted, chunks
// that it has from what was there before (files.md, "Space").
#include "fs/content/check.hpp"
#include "fs/index/disk_index.hpp"

namespace spotfs {

namespace {

constexpr std::chrono::hours kLongAgo{12};

// A content that may have chunks which its maker did not store.
std::optional<Reference> partly_old_content(const Operation& operation) {
  if (const Write* const write = std::get_if<Write>(&operation.action))
    return write->base || (write->flags & kSharedChunks) != 0 ? write->reference : std::nullopt;
  if (const Make* const make = std::get_if<Make>(&operation.action))
    return (make->inode.flags & kSharedChunks) != 0 ? make->inode.reference : std::nullopt;
  return std::nullopt;
}

}  // namespace

// When this state directory last heard of everyone.
void DiskIndex::remember_hearing() {
  const std::int64_t silence = std::max<std::int64_t>(unix_seconds() - ledger_->journal().heard(), 0);
  heard_ = now() - std::chrono::seconds{silence};
}

// Everyone was heard in a refresh that began with this stamp.
void DiskIndex::heard_everyone(const Stamp& begun) {
  const Clock::Steady before = std::exchange(heard_, now());
  if (heard_ - before > kLongAgo) late_before_ = begun;
  // The hours are counted from what the journal says: a few minutes less do no harm.
  if (now() < note_hearing_) return;
  note_hearing_ = now() + std::chrono::minutes{10};
  note(ledger_->journal().set_heard(unix_seconds()));
}

// Before a commit. An error: nothing may be committed yet.
asio::awaitable<Answer<void>> DiskIndex::check_late_contents() {
  if (options_.only_writer) co_return Answer<void>{};
  if (now() - heard_ > kLongAgo) {
    const Answer<void> fresh = co_await do_refresh();
    if (now() - heard_ > kLongAgo) co_return fresh ? Failure{Errc::offline} : fresh.error();
  }
  if (late_before_ == Stamp{}) co_return Answer<void>{};
  const Answer<std::vector<Operation>> late = ledger_->journal().loose(late_before_);
  if (!late) co_return late.error();
  const auto checker = std::make_shared<ContentChecker>(
      strand_, options_.store, std::shared_ptr<const ContentCipher>{store_, &store_->cipher()});
  std::vector<Operation> lost;
  for (const Operation& operation : *late) {
    const std::optional<Reference> content = partly_old_content(operation);
    if (!content) continue;
    const Answer<Checked> checked = co_await checker->check(*content);
    if (!checked) co_return checked.error();
    if (!checked->is_whole()) lost.push_back(operation);
  }
  late_before_ = {};
  if (lost.empty()) co_return Answer<void>{};
  const Answer<ChangeSet> changes = ledger_->discard(lost);
  if (!changes) co_return changes.error();
  if (options_.notice)
    options_.notice(
        std::to_string(lost.size()) +
        " changes that were made here long ago, before the others were heard of again, are dropped: what they "
        "were made from was removed since, and is deleted");
  tell_changes(*changes);
  co_return Answer<void>{};
}

}  // namespace spotfs
