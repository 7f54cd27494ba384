// What was written while nothing was heard of the others for long: they may have removed, and a sweep deleted, chunks
// that it has from what was there before (files.md, "Space").
#include "fs/content/draft.hpp"
#include "fs/index/read_for.hpp"

namespace spotfs {

namespace {

constexpr std::chrono::hours kLongAgo{12};

// A content that may have chunks which its maker did not store.
std::optional<Reference> partly_old_content(const Operation& operation, const Stamp& shared_until) {
  // Whoever has the state directory that this one was copied from may remove what both of them made, and so may we.
  const bool is_shared = operation.stamp <= shared_until;
  if (const Write* const write = std::get_if<Write>(&operation.action))
    return is_shared || write->base || (write->flags & kSharedChunks) != 0 ? write->reference : std::nullopt;
  if (const Make* const make = std::get_if<Make>(&operation.action))
    return is_shared || (make->inode.flags & kSharedChunks) != 0 ? make->inode.reference : std::nullopt;
  return std::nullopt;
}

Operation with_content(Operation operation, const std::optional<Reference>& content) {
  if (Write* const write = std::get_if<Write>(&operation.action)) write->reference = content;
  if (Make* const make = std::get_if<Make>(&operation.action)) make->inode.reference = content;
  return operation;
}

}  // namespace

// When this state directory last heard of everyone: where nothing was left uncommitted, at its start.
void DiskIndex::remember_hearing() {
  heard_ = now();
  own_what_is_shared();
  if (ledger_->journal().unstored_count() == 0 && !is_unasked_) return;
  const std::int64_t silence = unix_seconds() - ledger_->journal().heard();
  // Where the clock was set back, nobody knows.
  heard_ -= silence < 0 ? std::chrono::seconds{2 * kLongAgo} : std::chrono::seconds{silence};
}

// What is another writer's, too, gets contents of our own before it is committed.
void DiskIndex::own_what_is_shared() {
  if (ledger_->journal().shared_until() != Stamp{}) late_before_ = ledger_->draw();
}

// A refresh that began with this stamp has had an answer of the store, be it that something of the others is lost.
void DiskIndex::heard_everyone(const Stamp& begun) {
  const Clock::Steady before = std::exchange(heard_, now());
  if (heard_ - before > kLongAgo) late_before_ = begun;
  // The hours are counted from what the journal says: a few minutes less do no harm.
  if (now() < note_hearing_) return;
  note_hearing_ = now() + std::chrono::minutes{10};
  note(ledger_->journal().set_heard(unix_seconds()));
}

// Before a commit: what was made from old contents has chunks of its own from now on, or is dropped where they are
// gone. An error: nothing may be committed yet.
asio::awaitable<Answer<void>> DiskIndex::own_late_contents() {
  if (options_.only_writer) co_return Answer<void>{};
  if (now() - heard_ > kLongAgo) {
    const Answer<void> fresh = co_await do_refresh();
    if (now() - heard_ > kLongAgo) co_return fresh ? Failure{Errc::offline} : fresh.error();
  }
  if (late_before_ == Stamp{}) co_return Answer<void>{};
  const Answer<std::vector<Operation>> late = ledger_->journal().loose(late_before_);
  if (!late) co_return late.error();
  const Stamp shared_until = ledger_->journal().shared_until();
  std::size_t lost = 0;
  // From the last one, so that a stamp says which are shared still, also after a kill.
  for (std::size_t i = late->size(); i-- > 0;) {
    const Operation& operation = (*late)[i];
    const std::optional<Reference> content = partly_old_content(operation, shared_until);
    if (!content || late_owned_.contains(operation.stamp)) continue;
    const auto draft = std::make_shared<Draft>(contents_, content);
    Answer<void> owned = co_await draft->own();
    if (!owned && owned.error().code != Errc::not_found) co_return owned;
    std::optional<Operation> now;
    std::optional<Draft::Saved> saved;
    if (owned) {
      Answer<Draft::Saved> stored = co_await draft->save();
      if (!stored) co_return stored.error();
      saved = *std::move(stored);
      now = with_content(operation, saved->reference);
    }
    std::optional<Stamp> shared_before;
    if (operation.stamp <= shared_until) shared_before = i == 0 ? Stamp{} : (*late)[i - 1].stamp;
    const auto amend = [&] { return ledger_->amend(operation, now, shared_before); };
    const Answer<ChangeSet> changes = co_await read_for(amend, By::loop);
    if (!changes) co_return changes.error();
    if (saved) draft->named(*saved);
    late_owned_.insert(operation.stamp);
    if (!now) ++lost;
    tell_changes(*changes);
  }
  if (shared_until != Stamp{}) {
    if (const Answer<void> owned = ledger_->journal().set_shared_until({}); !owned) co_return owned.error();
  }
  late_before_ = {};
  late_owned_.clear();
  if (lost != 0 && options_.notice)
    options_.notice(std::to_string(lost) +
                    " changes that were made here long ago, and that the store has not got, are dropped: others have "
                    "removed what they were made from, and it is deleted");
  co_return Answer<void>{};
}

}  // namespace spotfs
