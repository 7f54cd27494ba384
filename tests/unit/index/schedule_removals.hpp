// Names that stay away: whoever took one of them away knew all that had been done to its inode, and nothing has been
// done to it since, so only a mistake can bring it back.
//
// Names of which that can't be said for sure are left out, by design of apply(): those of inodes that had several at
// once, of directories that had something in them or whose names others gave to directories, and what took a name that
// was not there any more.
//
// Thread: one.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "fs/index/disk_index.hpp"

namespace spotfs {

class Removals {
 public:
  // The index of a writer; null: it is not mounted.
  using Mounted = std::function<const DiskIndex*(std::size_t writer)>;
  explicit Removals(Mounted mounted) : mounted_{std::move(mounted)} {}

  // A writer has just done this.
  void add(std::size_t writer, const Operation& operation);
  void commit(std::size_t writer) { uncommitted_[writer].clear(); }
  // What a writer has not committed yet will be done by another, too, without knowing of what was done since.
  void copy(std::size_t writer);

  std::size_t count() const noexcept { return gone_.size(); }  // of those names
  // One of them that is there; empty: none.
  std::string any_that_is_back(const DiskIndex& index) const;

 private:
  struct Event {
    std::size_t writer;
    WriterId id;
    Stamp stamp;
    bool happens_again = false;
  };
  // What is known of an inode that was made under a name.
  struct Subject {
    Kind kind = Kind::file;
    bool was_made = false, has_content = false, was_linked = false, was_exchanged = false;
    std::set<std::string> names;
    std::vector<Event> events;  // all but its removals
    std::vector<Event> removals;
  };

  bool is_known(const DiskIndex& to, const Event& event) const;
  bool is_all_known(const DiskIndex& to, const std::vector<Event>& events) const;
  void change(const InodeId& inode, const Event& event, const std::string& name);
  void remove(const DiskIndex& by, const InodeId& inode, const Place& place,
              const std::optional<InodeId>& taken_by = {});
  bool may_be_back(const InodeId& inode) const;

  const Mounted mounted_;
  std::map<InodeId, Subject> subjects_;
  std::set<InodeId> entered_;  // directories
  std::map<std::size_t, std::vector<InodeId>> uncommitted_;
  struct Gone {
    Place place;
    std::optional<InodeId> taken_by;  // by a move of this one
  };
  void do_more(const InodeId& inode);
  std::map<InodeId, Gone> gone_;
};

}  // namespace spotfs
