// The disk as this writer has it: the history that gives the state, and the journal that outlives the program, always
// changed together.
//
// A change is planned against the present state, journalled, and applied, and no other change comes in between; reads
// wait only for the last of the three.
//
// Where the state is not whole, reads and changes throw a GapHit, with nothing changed or journalled: fill the gaps,
// and do it again. A change that needs what can't be had is refused.
//
// Thread: any. Locks: change_ before history_. Errors: those of the plan and of the journal (its text is for
// on_failure()). Source: files.md, "Operations", "The journal".
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "client/base/sync.hpp"
#include "fs/index/history.hpp"
#include "fs/index/journal.hpp"

namespace spotfs {

class Ledger {
 public:
  // `clock` gives stamps later than all in `history`.
  Ledger(std::shared_ptr<Journal> journal, std::unique_ptr<History> history, HybridClock clock)
      : journal_{std::move(journal)}, clock_{clock}, history_{std::move(history)} {}

  template <class Read>
  decltype(auto) read(Read&& read) const {
    return history_.with([&](const std::unique_ptr<History>& history) { return read(history->state()); });
  }

  template <class Read>
  decltype(auto) read_history(Read&& read) const {
    return history_.with([&](const std::unique_ptr<History>& history) { return read(*history); });
  }

  // Called under a lock when the journal does not take a change, once until it takes one. Set it before all else.
  void on_failure(std::function<void(const Failure&)> event) { on_failure_ = std::move(event); }

  // What a snapshot's node has, or why it can't be had.
  Result<void> fill(const BlobId& node, const spot::Sha256& hash, State::Contents contents);
  void lose(const BlobId& node, std::error_code why);

  // What is to be done, planned against the state; none: nothing.
  using Plan = std::function<Result<std::optional<Action>>(const State&)>;
  // What to look at once it is done, before anything else can change.
  using Then = std::function<void(const State&, const Stamp&)>;
  // The stamp of the operation; that of nothing is drawn all the same.
  Result<Stamp> change(const Plan& plan, const Then& then = {});
  // The same under a stamp that was reserved, which is given up by it.
  Result<void> change_at(const Stamp& stamp, Action action);

  Stamp draw();
  // Later stamps come after it.
  void see(const Stamp& stamp);
  // Nothing from this stamp on is committed until it is released.
  Stamp reserve();
  void release(const Stamp& stamp);

  // Operations of others, in any order.
  ChangeSet add(std::vector<Operation> operations);

  // The state after the operations before `limit`, for a snapshot of it.
  Frozen freeze(const Stamp& limit) const;
  // A snapshot counts from now on; with `operations`, the log of this writer is applied again where it is not included.
  Answer<ChangeSet> rebase(State snapshot, Included included, std::vector<Operation> operations);
  Answer<ChangeSet> rebase(History& snapshot, std::vector<Operation> operations);

  // For a commit: joins what nobody has seen yet, and puts what may be committed into pieces. All that is stamped
  // before `limit` is in the log then; that is not after `most`.
  struct Planned {
    Stamp limit;
    bool grows = false;  // the log has got new pieces
    ChangeSet changes;   // times that joining changed
  };
  Answer<Planned> plan_commit(const std::optional<Stamp>& most = {});

  // An operation that is in no piece has another content, or has never been; as Journal::amend().
  Answer<ChangeSet> amend(const Operation& operation, const std::optional<Operation>& now,
                          const std::optional<Stamp>& shared_until);

  // Goes on as another writer, in another run: what is in no piece yet gets new stamps, as someone else may have the
  // old ones. `is_shared`: as Journal::become().
  Answer<ChangeSet> become(const WriterId& writer, const std::string& machine_id, const RunPrefix& run, bool is_shared);

  Journal& journal() noexcept { return *journal_; }
  const std::shared_ptr<Journal>& shared_journal() const noexcept { return journal_; }
  std::uint64_t operation_count() const;  // that no snapshot includes
  std::uint64_t operations_before(const Stamp& limit) const;
  Stamp first_operation() const;  // zero: none

 private:
  // Under change_.
  Result<void> record(Operation operation);
  void rehearse(std::span<const Stamp> out, const std::vector<Operation>& in);

  std::shared_ptr<Journal> journal_;
  std::mutex change_;
  HybridClock clock_;         // under change_
  std::set<Stamp> reserved_;  // under change_
  bool failed_ = false;       // under change_
  std::function<void(const Failure&)> on_failure_;
  spot::Synchronized<std::unique_ptr<History>> history_;
};

}  // namespace spotfs
