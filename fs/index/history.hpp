// A snapshot, all operations that it does not include, in the order of their stamps, and the state after them.
//
// Operations may come in any order. Late ones are put where they belong: those with later stamps are undone, the new
// ones applied, the others applied again. A stamp is one operation's alone: what is there already is left out.
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

  // The state after all operations before `limit`, and which these are.
  Frozen freeze(const Stamp& limit) const;
  // Another snapshot counts: the operations that are known, and `operations`, are applied to it where it does not
  // include them.
  ChangeSet rebase(State snapshot, Included included, std::vector<Operation> operations);

 private:
  struct Step {
    Operation operation;
    Undo undo;
  };
  class Before;

  std::size_t position(const Stamp& stamp) const noexcept;  // of the first step that is not earlier

  Included included_;
  State state_;
  std::vector<std::unique_ptr<Step>> steps_;  // rising stamps
};

}  // namespace spotfs
