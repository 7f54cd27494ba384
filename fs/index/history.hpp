// A snapshot, all operations that it does not include, in the order of their stamps, and the state after them.
//
// Operations may come in any order. Late ones are put where they belong: those with later stamps are undone, the new
// ones applied, the others applied again. A stamp is one operation's alone: what is there already is left out.
//
// Where the snapshot is not all in memory, what needs more of it throws a GapHit, with nothing changed, that names all
// nodes which are needed as far as is known: read them, fill() the gaps, and do it again. What needs a part that can't
// be had is as good as not there: it stays in the history, and does nothing but put in doubt what it names.
//
// Thread: none of its own; it belongs behind its owner's lock. Costs: an operation with the latest stamp a few
// microseconds; a late one as much for each operation after it.
// Source: files.md, "Apply" (late operations) and "Operations" (joining).
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "fs/index/apply.hpp"
#include "fs/index/frozen.hpp"

namespace spotfs {

class History {
 public:
  explicit History(const StateOptions& options) : state_{options} {}
  History(State snapshot, Included included) : included_{std::move(included)}, state_{std::move(snapshot)} {}

  const State& state() const noexcept { return state_; }
  Result<void> fill(const BlobId& node, const spot::Sha256& hash, State::Contents contents) {
    return state_.fill(node, hash, std::move(contents));
  }
  void lose(const BlobId& node, std::error_code why) { state_.lose(node, why); }
  const Included& included() const noexcept { return included_; }
  bool contains(const Stamp& stamp) const noexcept;
  std::size_t size() const noexcept { return steps_.size(); }  // operations beside the snapshot
  std::size_t count_before(const Stamp& limit) const noexcept { return position(limit); }
  const Operation& operation(std::size_t number) const { return steps_[number]->operation; }  // in the order of stamps
  Stamp first() const noexcept { return steps_.empty() ? Stamp{} : steps_.front()->operation.stamp; }
  Stamp last() const noexcept;  // of all, those of the snapshot too; zero if there is none

  // Names and inodes are reported if they differ before and after, in rising order, each once.
  ChangeSet add(Operation operation);
  ChangeSet add(std::vector<Operation> operations);
  // Takes out the operations with these stamps (those that are there), and adds others, in one step: for what join()
  // made of them.
  ChangeSet replace(std::span<const Stamp> out, std::vector<Operation> in);
  // A GapHit if replace() would throw one: after this it does not. An error: one of the added would do nothing, as what
  // it needs can't be had.
  Result<void> rehearse(std::span<const Stamp> out, const std::vector<Operation>& in);

  // The state after all operations before `limit`, and which these are. The state must be whole.
  Frozen freeze(const Stamp& limit) const;
  // Another snapshot counts: the operations that are known, and `operations`, are applied to it where it does not
  // include them.
  ChangeSet rebase(State snapshot, Included included, std::vector<Operation> operations);
  // The same with a history over it that has more and more of its operations: all that is in memory of this state must
  // be in memory of that one. Taken out of `other` in the end.
  ChangeSet rebase(History& other, std::vector<Operation> operations);

 private:
  struct Step {
    Operation operation;
    Undo undo;
    std::error_code why;  // it does nothing, as what it needs can't be had
    std::vector<Bytes> doubts;
  };
  class Before;
  struct Rewritten {
    ChangeSet changes;
    std::error_code why;  // of those that were added, one does nothing
  };
  enum class Keep { yes, no };

  Rewritten rewrite(std::span<const Stamp> out, std::vector<Operation> in, Keep keep);
  static void take_back(State& state, Step& step);

  std::size_t position(const Stamp& stamp) const noexcept;  // of the first step that is not earlier

  Included included_;
  State state_;
  std::vector<std::unique_ptr<Step>> steps_;  // rising stamps
};

}  // namespace spotfs
