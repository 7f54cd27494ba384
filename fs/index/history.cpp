#include "fs/index/history.hpp"

#include <algorithm>
#include <map>
#include <optional>

#include "fs/index/state_keys.hpp"

namespace spotfs {

namespace {

std::vector<Place> places_of(const Action& action) {
  struct Visitor {
    std::vector<Place> operator()(const Make& make) const { return {make.at}; }
    std::vector<Place> operator()(const Link& link) const { return {link.at}; }
    std::vector<Place> operator()(const Unlink& unlink) const { return {unlink.at}; }
    std::vector<Place> operator()(const Move& move) const { return {move.from, move.to}; }
    std::vector<Place> operator()(const Exchange& exchange) const { return {exchange.one, exchange.other}; }
    std::vector<Place> operator()(const Write&) const { return {}; }
    std::vector<Place> operator()(const Set&) const { return {}; }
  };
  return std::visit(Visitor{}, action);
}

// What would be known if the operation could be applied. `unread`: what to read first to tell that.
std::vector<Bytes> doubts_of(const Operation& operation, const State& state, std::set<BlobId>& unread) {
  std::vector<Bytes> out;
  for (const Place& place : places_of(operation.action)) {
    const auto directory = attempt([&] { return state.resolve(place.directory); });
    if (directory.done) out.push_back(name_key(*directory.done, place.name));
    unread.insert(directory.unread.begin(), directory.unread.end());
  }
  if (std::holds_alternative<Make>(operation.action)) out.push_back(inode_key(operation.stamp));
  return out;
}

}  // namespace

// What names and inodes were before a change of the history: of each, the first value that is noted.
class History::Before {
 public:
  void undo(State& state, Step& step) {
    for (const Undo::Name& name : step.undo.names) names_.try_emplace(name.place, state.in_memory(name.place));
    for (const Undo::Body& body : step.undo.inodes) inodes_.try_emplace(body.id, state.in_memory(body.id));
    take_back(state, step);
  }

  void apply(State& state, Step& step, std::set<BlobId>& unread) {
    step.undo = {};
    step.why = {};
    try {
      step.undo = spotfs::apply(state, step.operation);
    } catch (const GapHit& hit) {
      step.why = hit.why;
      if (hit.why) step.doubts = doubts_of(step.operation, state, unread);
      for (const Bytes& key : step.doubts) state.doubt(key, hit.why);
      unread.insert(hit.nodes.begin(), hit.nodes.end());
    }
    for (const Undo::Name& name : step.undo.names) names_.try_emplace(name.place, name.before);
    for (const Undo::Body& body : step.undo.inodes) inodes_.try_emplace(body.id, body.before);
  }

  ChangeSet difference(const State& state) const {
    ChangeSet out;
    for (const auto& [id, before] : inodes_) {
      const std::shared_ptr<const Inode> now = state.in_memory(id);
      const bool same = before && now ? before == now || *before == *now : !before && !now;
      if (!same) out.inodes.push_back(id);
    }
    for (const auto& [place, before] : names_)
      if (state.in_memory(place) != before) out.names.push_back(place);
    return out;
  }

 private:
  std::map<InodeId, std::shared_ptr<const Inode>> inodes_;
  std::map<Place, std::optional<InodeId>> names_;
};

std::size_t History::position(const Stamp& stamp) const noexcept {
  const auto stamp_of = [](const std::unique_ptr<Step>& step) -> const Stamp& { return step->operation.stamp; };
  return static_cast<std::size_t>(std::ranges::lower_bound(steps_, stamp, {}, stamp_of) - steps_.begin());
}

bool History::contains(const Stamp& stamp) const noexcept {
  if (included_.has(stamp)) return true;
  const std::size_t at = position(stamp);
  return at < steps_.size() && steps_[at]->operation.stamp == stamp;
}

Stamp History::last() const noexcept {
  return std::max(included_.latest(), steps_.empty() ? Stamp{} : steps_.back()->operation.stamp);
}

ChangeSet History::add(Operation operation) {
  std::vector<Operation> operations;
  operations.push_back(std::move(operation));
  return replace({}, std::move(operations));
}

ChangeSet History::add(std::vector<Operation> operations) { return replace({}, std::move(operations)); }

ChangeSet History::replace(std::span<const Stamp> out, std::vector<Operation> in) {
  return rewrite(out, std::move(in), Keep::yes).changes;
}

Result<void> History::rehearse(std::span<const Stamp> out, const std::vector<Operation>& in) {
  if (state_.is_whole()) return {};
  const Rewritten done = rewrite(out, in, Keep::no);
  if (done.why) return done.why;
  return {};
}

void History::take_back(State& state, Step& step) {
  state.undo(step.undo);
  for (const Bytes& key : step.doubts) state.trust(key);
  step.doubts.clear();
}

History::Rewritten History::rewrite(std::span<const Stamp> out, std::vector<Operation> in, Keep keep) {
  std::vector<Stamp> gone;
  std::ranges::copy_if(out, std::back_inserter(gone), [&](const Stamp& stamp) { return contains(stamp); });
  std::ranges::sort(gone);
  const auto goes = [&](const Stamp& stamp) { return std::ranges::binary_search(gone, stamp); };

  std::erase_if(in, [&](const Operation& operation) { return contains(operation.stamp) && !goes(operation.stamp); });
  std::ranges::stable_sort(in, {}, &Operation::stamp);

  std::size_t first = steps_.size();
  if (!gone.empty()) first = position(gone.front());
  if (!in.empty()) first = std::min(first, position(in.front().stamp));
  const auto split = steps_.begin() + static_cast<std::ptrdiff_t>(first);

  // All steps from `first` on: those that were there, those that are added, and what they become.
  std::vector<std::unique_ptr<Step>> old{std::move_iterator{split}, std::move_iterator{steps_.end()}}, added;
  for (Operation& operation : in) {
    if (added.empty() || added.back()->operation.stamp != operation.stamp)
      added.push_back(std::make_unique<Step>(Step{std::move(operation), {}, {}, {}}));
  }
  std::vector<std::unique_ptr<Step>*> order;
  auto next = added.begin();
  for (std::unique_ptr<Step>& step : old) {
    if (goes(step->operation.stamp)) continue;
    while (next != added.end() && (*next)->operation.stamp < step->operation.stamp) order.push_back(&*next++);
    order.push_back(&step);
  }
  while (next != added.end()) order.push_back(&*next++);

  Before before;
  for (auto step = old.rbegin(); step != old.rend(); ++step) before.undo(state_, **step);
  std::set<BlobId> unread;
  for (std::unique_ptr<Step>* step : order) before.apply(state_, **step, unread);
  Rewritten done;
  for (const std::unique_ptr<Step>& step : added) {
    if (!done.why) done.why = step->why;
  }

  if (keep == Keep::no || !unread.empty()) {
    std::set<BlobId> none;  // all that they need was in memory
    for (auto step = order.rbegin(); step != order.rend(); ++step) take_back(state_, ***step);
    for (std::unique_ptr<Step>& step : old) before.apply(state_, *step, none);
    std::ranges::move(old, split);
    if (!unread.empty()) throw GapHit{std::move(unread)};
    return done;
  }
  done.changes = before.difference(state_);
  steps_.resize(first);
  for (std::unique_ptr<Step>* step : order) steps_.push_back(std::move(*step));
  return done;
}

// --- Snapshots -------------------------------------------------------------------------------------------------------

namespace {

template <class Key, class Value>
void put_back(std::vector<std::pair<Key, Value>>& values, const std::map<Key, std::optional<Value>>& before) {
  std::vector<std::pair<Key, Value>> out;
  out.reserve(values.size() + before.size());
  auto old = before.begin();
  const auto take_old = [&] {
    if (old->second) out.emplace_back(old->first, *old->second);
    ++old;
  };
  for (auto& value : values) {
    while (old != before.end() && old->first < value.first) take_old();
    if (old != before.end() && old->first == value.first)
      take_old();
    else
      out.push_back(std::move(value));
  }
  while (old != before.end()) take_old();
  values = std::move(out);
}

// Keys whose values differ; both are in the order of keys.
template <class Key, class Value, class Same>
std::vector<Key> different(const std::vector<std::pair<Key, Value>>& one,
                           const std::vector<std::pair<Key, Value>>& other, const Same& same) {
  std::vector<Key> out;
  auto a = one.begin(), b = other.begin();
  while (a != one.end() || b != other.end()) {
    const bool only_a = b == other.end() || (a != one.end() && a->first < b->first);
    const bool only_b = a == one.end() || (b != other.end() && b->first < a->first);
    if (only_a || only_b || !same(a->second, b->second)) out.push_back(only_b ? b->first : a->first);
    if (!only_b) ++a;
    if (!only_a) ++b;
  }
  return out;
}

}  // namespace

Frozen History::freeze(const Stamp& limit) const {
  Frozen out{state_.contents(), included_};
  const std::size_t count = position(limit);
  std::map<Place, std::optional<InodeId>> names;
  std::map<InodeId, std::optional<std::shared_ptr<Inode>>> inodes;
  for (std::size_t i = steps_.size(); i > count; --i) {
    const Undo& undo = steps_[i - 1]->undo;
    for (const Undo::Name& name : undo.names) names[name.place] = name.before;
    for (const Undo::Body& body : undo.inodes)
      inodes[body.id] = body.before ? std::optional{body.before} : std::nullopt;
  }
  put_back(out.contents.names, names);
  put_back(out.contents.inodes, inodes);
  for (std::size_t i = 0; i < count; ++i) out.included.add(steps_[i]->operation.stamp);
  return out;
}

ChangeSet History::rebase(State snapshot, Included included, std::vector<Operation> operations) {
  History other{std::move(snapshot), std::move(included)};
  return rebase(other, std::move(operations));
}

ChangeSet History::rebase(History& other, std::vector<Operation> operations) {
  for (const std::unique_ptr<Step>& step : steps_) operations.push_back(step->operation);
  other.add(std::move(operations));
  if (std::set<BlobId> unread = other.state_.gaps().unread_except_in(state_.gaps()); !unread.empty())
    throw GapHit{std::move(unread)};
  const State::Contents before = state_.contents(), after = other.state_.contents();
  *this = std::move(other);
  ChangeSet out;
  out.names = different(before.names, after.names, std::equal_to<>{});
  out.inodes = different(before.inodes, after.inodes,
                         [](const auto& one, const auto& another) { return one == another || *one == *another; });
  return out;
}

}  // namespace spotfs
