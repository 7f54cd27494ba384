#include "fs/index/restamp.hpp"

#include <map>

namespace spotfs {

namespace {

class Restamper {
 public:
  Restamper(const State& state, const std::function<Stamp()>& next) : state_{state}, next_{next} {}

  void take(Operation operation) {
    if (const Write* write = std::get_if<Write>(&operation.action); write && in_blobs(write->inode)) {
      take_value(*write, operation.stamp);
      return;
    }
    const Stamp stamp = next_();
    const bool is_file_below_blobs = in_blobs(operation.stamp);
    stamps_.emplace(operation.stamp, stamp);
    std::visit([&](auto& op) { rename(op); }, operation.action);
    if (Make* make = std::get_if<Make>(&operation.action)) {
      if (make->inode.version && !is_file_below_blobs) renew(*make->inode.version);
      makes_.emplace(stamp, out_.size());
    }
    out_.push_back({stamp, std::move(operation.action)});
  }
  std::vector<Operation> finish() { return std::move(out_); }

 private:
  bool in_blobs(const InodeId& id) const {
    const auto look = [&] {
      const Inode* there = state_.find(id);
      return there && state_.is_directory(there->place.directory) && state_.in_blobs(there->place.directory);
    };
    const Attempt<bool> tried = attempt(look);
    if (!tried.unread.empty()) throw GapHit{tried.unread};
    return tried.done.value_or(false);  // what can't be had is not known to be there
  }

  void take_value(Write write, const Stamp& stamp) {
    rename(write.inode);
    const auto made = makes_.find(write.inode);
    if (made == makes_.end()) {
      out_.push_back({stamp, std::move(write)});
      return;
    }
    NewInode& inode = std::get<Make>(out_[made->second].action).inode;
    inode.version = stamp;
    inode.reference = write.reference;
    inode.mtime = write.mtime;
    inode.flags = write.flags;
  }

  void renew(Stamp& version) {
    const Stamp fresh = next_();
    stamps_.emplace(version, fresh);
    version = fresh;
  }

  void rename(Stamp& stamp) const {
    if (const auto at = stamps_.find(stamp); at != stamps_.end()) stamp = at->second;
  }
  void rename(Version& version) const {
    if (version) rename(*version);
  }
  void rename(Over& over) const {
    if (!over) return;
    rename(over->inode);
    rename(over->version);
  }
  void rename(Place& place) const { rename(place.directory); }
  void rename(Make& op) const {
    rename(op.at);
    rename(op.over);
  }
  void rename(Link& op) const {
    rename(op.at);
    rename(op.over);
    rename(op.inode);
  }
  void rename(Unlink& op) const {
    rename(op.at);
    rename(op.inode);
    rename(op.version);
  }
  void rename(Move& op) const {
    rename(op.from);
    rename(op.inode);
    rename(op.to);
    rename(op.over);
  }
  void rename(Exchange& op) const {
    rename(op.one);
    rename(op.inode);
    rename(op.other);
    rename(op.other_inode);
  }
  void rename(Write& op) const {
    rename(op.inode);
    rename(op.base);
  }
  void rename(Set& op) const { rename(op.inode); }

  const State& state_;
  const std::function<Stamp()>& next_;
  std::map<Stamp, Stamp> stamps_;       // old to new
  std::map<Stamp, std::size_t> makes_;  // new id to position
  std::vector<Operation> out_;
};

}  // namespace

std::vector<Operation> restamp(std::vector<Operation> operations, const State& state,
                               const std::function<Stamp()>& next) {
  Restamper restamper{state, next};
  for (Operation& operation : operations) restamper.take(std::move(operation));
  return restamper.finish();
}

}  // namespace spotfs
