#include "tests/unit/index/schedule_removals.hpp"

#include <algorithm>

namespace spotfs {

// Joined with another one of the same inode before its commit, it is known with that.
bool Removals::is_known(const DiskIndex& to, const Event& event) const {
  if (event.happens_again) return false;
  const auto has = [&](const DiskIndex& index) {
    return index.ledger().read_history([&](const History& history) { return history.contains(event.stamp); });
  };
  if (has(to)) return true;
  const DiskIndex* const maker = mounted_(event.writer);
  return maker && maker->status().writer == event.id && !has(*maker);
}

bool Removals::is_all_known(const DiskIndex& to, const std::vector<Event>& events) const {
  return std::ranges::all_of(events, [&](const Event& event) { return is_known(to, event); });
}

void Removals::change(const InodeId& inode, const Event& event, const std::string& name) {
  gone_.erase(inode);
  do_more(inode);
  uncommitted_[event.writer].push_back(inode);
  Subject& subject = subjects_[inode];
  subject.events.push_back(event);
  if (!name.empty()) subject.names.insert(name);
}

// A move may be applied after what was done later, and without what it was made for it takes no name.
void Removals::do_more(const InodeId& inode) {
  std::erase_if(gone_, [&](const auto& gone) { return gone.second.taken_by == inode; });
}

void Removals::remove(const DiskIndex& by, const InodeId& inode, const Place& place,
                      const std::optional<InodeId>& taken_by) {
  const auto known = subjects_.find(inode);
  if (known == subjects_.end() || !known->second.was_made || known->second.was_linked) return;
  if (is_all_known(by, known->second.events)) gone_.insert_or_assign(inode, Gone{place, taken_by});
}

void Removals::add(std::size_t writer, const Operation& operation) {
  const DiskIndex& index = *mounted_(writer);
  const Event event{writer, index.status().writer, operation.stamp};
  const auto enter = [&](const InodeId& directory) {
    entered_.insert(directory);
    const auto resolved =
        attempt([&] { return index.ledger().read([&](const State& state) { return state.resolve(directory); }); });
    if (resolved.done) entered_.insert(*resolved.done);
  };
  if (const Make* const make = std::get_if<Make>(&operation.action)) {
    change(operation.stamp, event, make->at.name);
    enter(make->at.directory);
    Subject& made = subjects_[operation.stamp];
    made.was_made = true;
    made.kind = make->inode.kind;
    made.has_content = make->inode.reference.has_value();
  } else if (const Link* const link = std::get_if<Link>(&operation.action)) {
    change(link->inode, event, link->at.name);
    enter(link->at.directory);
    subjects_[link->inode].was_linked = true;
  } else if (const Write* const write = std::get_if<Write>(&operation.action)) {
    change(write->inode, event, {});
  } else if (const Exchange* const exchange = std::get_if<Exchange>(&operation.action)) {
    change(exchange->inode, event, exchange->other.name);
    change(exchange->other_inode, event, exchange->one.name);
    enter(exchange->one.directory);
    enter(exchange->other.directory);
    subjects_[exchange->inode].was_exchanged = subjects_[exchange->other_inode].was_exchanged = true;
  } else if (const Unlink* const unlink = std::get_if<Unlink>(&operation.action)) {
    remove(index, unlink->inode, unlink->at);
    do_more(unlink->inode);
    subjects_[unlink->inode].removals.push_back(event);
    uncommitted_[writer].push_back(unlink->inode);
  } else if (const Move* const move = std::get_if<Move>(&operation.action)) {
    const Subject& moved = subjects_[move->inode];
    const bool is_file = moved.kind == Kind::file;
    // A name of a conflict may be given again by another one, and two directories may turn out to be one.
    const bool is_plain = move->from.name.find(".conflict-") == std::string::npos && move->from.name != move->to.name;
    // It takes the other's name if it is there to be moved.
    const bool is_there = is_file && moved.was_made && moved.has_content && !moved.was_linked && !moved.was_exchanged &&
                          is_all_known(index, moved.events) && is_all_known(index, moved.removals);
    change(move->inode, event, move->to.name);
    enter(move->to.directory);
    if (is_file && is_plain) remove(index, move->inode, move->from);
    if (!move->over) return;
    do_more(move->over->inode);
    if (is_there) remove(index, move->over->inode, move->to, move->inode);
    subjects_[move->over->inode].removals.push_back(event);
    uncommitted_[writer].push_back(move->over->inode);
  }
}

void Removals::copy(std::size_t writer) {
  for (const InodeId& inode : uncommitted_[writer]) {
    gone_.erase(inode);
    do_more(inode);
    for (Event& event : subjects_[inode].events) event.happens_again = true;
    for (Event& event : subjects_[inode].removals) event.happens_again = true;
  }
}

// A directory that is made where another one has its name stands for that one, and brings it back with what is in it.
bool Removals::may_be_back(const InodeId& inode) const {
  const Subject& subject = subjects_.at(inode);
  if (subject.kind != Kind::directory) return false;
  if (entered_.contains(inode)) return true;
  return std::ranges::any_of(subjects_, [&](const auto& other) {
    const auto is_shared = [&](const std::string& name) { return subject.names.contains(name); };
    return other.first != inode && other.second.kind == Kind::directory &&
           std::ranges::any_of(other.second.names, is_shared);
  });
}

std::string Removals::any_that_is_back(const DiskIndex& index) const {
  for (const auto& [inode, gone] : gone_) {
    const Place& place = gone.place;
    const auto look = [&](const State& state) { return state.at(state.resolve(place.directory), place.name); };
    // After a walk over all that is there: what was not read is not.
    const auto there = attempt([&] { return index.ledger().read(look); });
    if (there.done && *there.done == inode && !may_be_back(inode))
      return place.name + " " + to_text(inode) + " is back";
  }
  return {};
}

}  // namespace spotfs
