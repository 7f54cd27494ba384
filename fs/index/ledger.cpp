#include "fs/index/ledger.hpp"

#include <algorithm>

#include "fs/index/commit.hpp"
#include "fs/index/join.hpp"
#include "fs/index/restamp.hpp"

namespace spotfs {

namespace {

struct Difference {
  std::vector<Operation> out, in;
};

// What joining changed; the rest need not be written again. Both are in the order of stamps.
Difference difference(const std::vector<Operation>& before, const std::vector<Operation>& after) {
  Difference out;
  auto b = before.begin(), a = after.begin();
  while (b != before.end() || a != after.end()) {
    const bool only_before = a == after.end() || (b != before.end() && b->stamp < a->stamp);
    const bool only_after = b == before.end() || (a != after.end() && a->stamp < b->stamp);
    const bool same = !only_before && !only_after && *a == *b;
    if (!same && !only_after) out.out.push_back(*b);
    if (!same && !only_before) out.in.push_back(*a);
    if (!only_after) ++b;
    if (!only_before) ++a;
  }
  return out;
}

// What goes with the last name, or the old content, of a file that the operation's maker saw as it is.
std::optional<Journal::Replaced> replaced_by(const State& state, const Action& action) {
  InodeId id;
  std::optional<Reference> now;
  const Write* const write = std::get_if<Write>(&action);
  if (write != nullptr) {
    id = state.resolve(write->inode);
    now = write->reference;
  } else if (const Unlink* unlink = std::get_if<Unlink>(&action)) {
    id = unlink->inode;
  } else if (const Move* move = std::get_if<Move>(&action); move && move->over && move->over->inode != move->inode) {
    id = move->over->inode;
  } else {
    return std::nullopt;
  }
  const Inode* inode = state.find(id);
  // Others have written, too, and what it started from is kept beside the file, unless both are joined.
  const bool is_beside = write && inode != nullptr && write->base && write->base != inode->version;
  if (is_beside) inode = state.find(*write->base);
  if (inode == nullptr || inode->kind != Kind::file || !inode->reference || !inode->reference->id) return std::nullopt;
  if (inode->reference == now) return std::nullopt;
  if (write && write->base != inode->version) return std::nullopt;
  // Whoever takes another name away at the same time does not take away the last one either.
  const bool may_stay = is_beside || (!write && inode->links > 1);
  const std::uint64_t flags = inode->flags | (write ? write->flags : 0);
  return Journal::Replaced{0, id, *inode->reference, now, may_stay || (flags & kSharedChunks) != 0};
}

}  // namespace

Result<void> Ledger::record(Operation operation) {
  if (const Make* make = std::get_if<Make>(&operation.action); make && make->inode.version)
    clock_.see(*make->inode.version);
  const Result<void> fits = history_.with([&](std::unique_ptr<History>& history) {
    return history->state().is_whole() ? Result<void>{} : history->rehearse({}, {operation});
  });
  if (!fits) return fits.error();
  const auto replaced = read([&](const State& state) { return replaced_by(state, operation.action); });
  const Answer<void> kept = journal_->add(operation, replaced);
  const bool failed_before = std::exchange(failed_, !kept);
  if (!kept && !failed_before && on_failure_) on_failure_(kept.error());
  if (!kept) return kept.error().code;
  history_.with([&](std::unique_ptr<History>& history) { history->add(std::move(operation)); });
  return {};
}

Result<Stamp> Ledger::change(const Plan& plan, const Then& then) {
  const std::lock_guard lock{change_};
  Result<std::optional<Action>> action = read([&](const State& state) { return plan(state); });
  if (!action) return action.error();
  const Stamp stamp = clock_.next();
  if (*action) {
    if (const Result<void> done = record({stamp, std::move(**action)}); !done) return done.error();
  }
  // It is done: what this may lack is no reason to do it again.
  const auto look = [&](const State& state) {
    then(state, stamp);
    return true;
  };
  if (then) static_cast<void>(attempt([&] { return read(look); }));
  return stamp;
}

Result<void> Ledger::change_at(const Stamp& stamp, Action action) {
  const std::lock_guard lock{change_};
  const Result<void> done = record({stamp, std::move(action)});
  reserved_.erase(stamp);
  return done;
}

Stamp Ledger::draw() {
  const std::lock_guard lock{change_};
  return clock_.next();
}

void Ledger::see(const Stamp& stamp) {
  const std::lock_guard lock{change_};
  clock_.see(stamp);
}

Stamp Ledger::reserve() {
  const std::lock_guard lock{change_};
  return *reserved_.insert(clock_.next()).first;
}

void Ledger::release(const Stamp& stamp) {
  const std::lock_guard lock{change_};
  reserved_.erase(stamp);
}

Result<void> Ledger::fill(const BlobId& node, const spot::Sha256& hash, State::Contents contents) {
  return history_.with(
      [&](std::unique_ptr<History>& history) { return history->fill(node, hash, std::move(contents)); });
}

void Ledger::lose(const BlobId& node, std::error_code why) {
  history_.with([&](std::unique_ptr<History>& history) { history->lose(node, why); });
}

// What can't be had is no reason to stop: see History.
void Ledger::rehearse(std::span<const Stamp> out, const std::vector<Operation>& in) {
  static_cast<void>(history_.with([&](std::unique_ptr<History>& history) { return history->rehearse(out, in); }));
}

ChangeSet Ledger::add(std::vector<Operation> operations) {
  const std::lock_guard lock{change_};
  for (const Operation& operation : operations) clock_.see(operation.stamp);
  return history_.with([&](std::unique_ptr<History>& history) { return history->add(std::move(operations)); });
}

Answer<ChangeSet> Ledger::amend(const Operation& operation, const std::optional<Operation>& now,
                                const std::optional<Stamp>& shared_until) {
  const std::lock_guard lock{change_};
  const std::vector<Stamp> out{operation.stamp};
  std::vector<Operation> in;
  if (now) in.push_back(*now);
  rehearse(out, in);
  if (const Answer<void> kept = journal_->amend(operation, now, shared_until); !kept) return kept.error();
  return history_.with([&](std::unique_ptr<History>& history) { return history->replace(out, std::move(in)); });
}

Answer<ChangeSet> Ledger::become(const WriterId& writer, const std::string& machine_id, const RunPrefix& run,
                                 bool is_shared) {
  const std::lock_guard lock{change_};
  const Answer<std::vector<Operation>> loose = journal_->loose();
  if (!loose) return loose.error();
  clock_.set_run(run);
  const std::vector<Operation> renamed =
      read([&](const State& state) { return restamp(*loose, state, [&] { return clock_.next(); }); });
  std::vector<Stamp> old;
  for (const Operation& operation : *loose) old.push_back(operation.stamp);
  rehearse(old, renamed);
  if (const Answer<void> done = journal_->become(writer, machine_id, renamed, is_shared); !done) return done.error();
  return history_.with([&](std::unique_ptr<History>& history) { return history->replace(old, renamed); });
}

Frozen Ledger::freeze(const Stamp& limit) const {
  return history_.with([&](const std::unique_ptr<History>& history) { return history->freeze(limit); });
}

Answer<ChangeSet> Ledger::rebase(State snapshot, Included included, std::vector<Operation> operations) {
  History other{std::move(snapshot), std::move(included)};
  return rebase(other, std::move(operations));
}

Answer<ChangeSet> Ledger::rebase(History& snapshot, std::vector<Operation> operations) {
  const std::lock_guard lock{change_};
  Answer<std::vector<Operation>> own = journal_->operations();
  if (!own) return own.error();
  std::ranges::move(*own, std::back_inserter(operations));
  clock_.see(snapshot.last());
  for (const Operation& operation : operations) clock_.see(operation.stamp);
  return history_.with(
      [&](std::unique_ptr<History>& history) { return history->rebase(snapshot, std::move(operations)); });
}

Answer<Ledger::Planned> Ledger::plan_commit(const std::optional<Stamp>& most) {
  const std::lock_guard lock{change_};
  Planned out;
  out.limit = reserved_.empty() ? clock_.next() : *reserved_.begin();
  if (most) out.limit = std::min(out.limit, *most);
  const Answer<std::vector<Operation>> loose = journal_->loose(out.limit);
  if (!loose) return loose.error();
  out.grows = !loose->empty();
  const Difference changed = difference(*loose, join(*loose));
  if (!changed.out.empty() || !changed.in.empty()) {
    std::vector<Stamp> old;
    for (const Operation& operation : changed.out) old.push_back(operation.stamp);
    rehearse(old, changed.in);
    if (const Answer<void> replaced = journal_->replace(changed.out, changed.in); !replaced) return replaced.error();
    out.changes = history_.with([&](std::unique_ptr<History>& history) { return history->replace(old, changed.in); });
  }
  if (const Answer<void> planned = plan_pieces(*journal_, out.limit); !planned) return planned.error();
  return out;
}

std::uint64_t Ledger::operations_before(const Stamp& limit) const {
  return history_.with([&](const std::unique_ptr<History>& history) { return history->count_before(limit); });
}

Stamp Ledger::first_operation() const {
  return history_.with([](const std::unique_ptr<History>& history) { return history->first(); });
}

std::uint64_t Ledger::operation_count() const {
  return history_.with([](const std::unique_ptr<History>& history) { return history->size(); });
}

}  // namespace spotfs
