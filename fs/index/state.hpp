// The disk at one moment, in memory: its names and inodes, and how to take back what an operation changed.
//
// Of a state that is read from a snapshot, the nodes may follow: until then each leaves a gap, and what asks for
// something that is in one gets a GapHit thrown, functions that give a Result too. Whatever is changed was in memory
// before, so a node that follows has nothing that was changed since.
//
// Thread: none of its own; a State and its Edits belong behind their owner's lock. The inodes that reads hand out are
// snapshots: they never change, and may be kept and read anywhere.
// Errors: POSIX ones as std::errc (no_such_file_or_directory, not_a_directory, and ESTALE).
// Source: files.md, "State" and "Apply"; apply.py.
#pragma once

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "client/crypto/hash.hpp"
#include "fs/index/entry.hpp"
#include "fs/index/gaps.hpp"

namespace spotfs {

struct StateOptions {
  std::uint32_t uid = 0, gid = 0;  // of the three fixed directories until a set says otherwise
  bool conflicts_last = false;     // of the store: what would get a conflict name is dropped
};

// What one operation changed, as it was before: each name and each inode once, in no order.
struct Undo {
  struct Name {
    Place place;
    std::optional<InodeId> before;  // none: it was free
    bool was_directory = false;
  };
  struct Body {
    InodeId id;
    std::shared_ptr<Inode> before;  // null: it was not there
  };
  std::vector<Name> names;
  std::vector<Body> inodes;
};

inline constexpr std::array kFixed{kRoot, kBlobs, kLostFound};  // directories that are there without being made
inline bool is_fixed(const InodeId& id) noexcept { return std::ranges::find(kFixed, id) != kFixed.end(); }

class State {
 public:
  explicit State(const StateOptions& options);

  // All of a state, in the order of a snapshot's keys.
  struct Contents {
    std::vector<std::pair<Place, InodeId>> names;
    std::vector<std::pair<InodeId, std::shared_ptr<Inode>>> inodes;  // never null, never changed
  };
  // malformed where no history can have made it: names of nothing, wrong link counts, directories that are not exactly
  // once below a fixed one.
  // With gaps, that can't be known: then what is asked for is checked, and check() does it once there are none.
  static Result<State> of(const StateOptions& options, Contents contents, Gaps gaps = {});
  Contents contents() const;
  Result<void> check() const;

  // What is not in memory.

  const Gaps& gaps() const noexcept { return gaps_; }
  bool is_whole() const noexcept { return gaps_.empty(); }
  // A node that was read; nothing happens where it has no gap any more. malformed, with nothing changed: its items are
  // not all in its range.
  Result<void> fill(const BlobId& node, const spot::Sha256& hash, Contents contents);
  // A fixed directory whose inode was in it is there still, for its owner alone: who else may go there is not known.
  void lose(const BlobId& node, std::error_code why);
  void doubt(const Bytes& key, std::error_code why) { gaps_.doubt(key, why); }
  void trust(const Bytes& key) { gaps_.trust(key); }
  // Of the plaintexts of the nodes that filled gaps.
  const std::map<BlobId, spot::Sha256>& hashes() const noexcept { return hashes_; }

  // For users. Ids may be those of aliases.

  // no_such_file_or_directory: no such name, or the directory is not there; not_a_directory.
  Result<Entry> lookup(const InodeId& directory, std::string_view name) const;
  // Also of a removed inode (links 0). ESTALE: not known.
  Result<InodePtr> inode(const InodeId& id) const;
  // At most `max` entries whose names come after `after` (bytewise; "" for the first), in that order.
  Result<std::vector<NamedEntry>> list(const InodeId& directory, std::string_view after, std::size_t max) const;

  // How many directories are in it; 0 for what is no directory. None: that is not known, as not all of it is in memory.
  std::optional<std::uint64_t> subdirectories(const InodeId& directory) const;

  // For rules. Ids are resolved ones.

  InodeId resolve(InodeId id) const;           // through aliases; an unknown id is itself
  const Inode* find(const InodeId& id) const;  // also an alias or a removed one; valid until the next change
  bool is_directory(const InodeId& id) const;  // one that is there
  std::optional<InodeId> at(const InodeId& directory, std::string_view name) const;
  bool is_empty(const InodeId& directory) const;
  // Is the directory `directory` the inode `above`, or somewhere below it? It must be there.
  bool is_below(InodeId directory, const InodeId& above) const;
  bool in_blobs(const InodeId& directory) const { return is_below(directory, kBlobs); }
  // The first name (bytewise) of an inode in a directory for which `fits` holds.
  std::optional<std::string> find_name(const InodeId& directory, const InodeId& inode,
                                       const std::function<bool(std::string_view)>& fits) const;

  // Without a look at gaps: what was changed before is in memory.
  std::optional<InodeId> in_memory(const Place& place) const;
  std::shared_ptr<const Inode> in_memory(const InodeId& id) const;

  // All that is in memory, in the order of the snapshot's keys.

  void each_entry(const std::function<void(const Place&, const InodeId&)>& visit) const;
  void each_inode(const std::function<void(const InodeId&, const InodePtr&)>& visit) const;
  std::size_t inode_count() const noexcept { return inodes_.size(); }

  // Changes. apply() makes them, through an Edit.

  void undo(const Undo& changes);

  const StateOptions& options() const noexcept { return options_; }

 private:
  friend class Edit;

  struct NameView {
    const InodeId& directory;
    std::string_view name;
  };
  struct ByDirectoryAndName {
    using is_transparent = void;
    static NameView view(const Place& place) noexcept { return {place.directory, place.name}; }
    static NameView view(const NameView& name) noexcept { return name; }
    template <class A, class B>
    bool operator()(const A& a, const B& b) const noexcept {
      const NameView x = view(a), y = view(b);
      const auto order = x.directory <=> y.directory;
      return order == 0 ? x.name < y.name : order < 0;
    }
  };

  enum class TargetKind : std::uint8_t { other, directory, unread };
  struct Target {
    InodeId id;
    TargetKind kind;
  };
  void put(const Place& place, const Target& target);
  void drop(const Place& place);
  void count(const InodeId& directory, const Target& target, std::int64_t change);
  TargetKind kind_of(const InodeId& id) const;
  void need(const Bytes& key) const;
  void close_fixed_in(const BlobId& node);
  void need_names(const InodeId& directory) const;
  void check_target(const Place& place, const InodeId& id) const;
  void need_part(const InodeId& directory, std::string_view after, std::size_t max) const;
  bool is_rooted(InodeId directory, std::set<InodeId>& rooted) const;

  StateOptions options_;
  std::map<Place, Target, ByDirectoryAndName> entries_;
  std::map<InodeId, std::int64_t> subdirectories_;    // more than 0
  std::map<InodeId, std::int64_t> unread_targets_;    // names in it of which that is not known; more than 0
  std::map<InodeId, std::shared_ptr<Inode>> inodes_;  // never null; changed in place only within the Edit that made it
  Gaps gaps_;
  bool is_unchecked_ = false;  // it has had gaps
  std::map<BlobId, spot::Sha256> hashes_;
};

// The changes of one operation. What it has changed stays changed when it is destroyed; finish() tells what that was.
class Edit {
 public:
  explicit Edit(State& state) : state_{state} {}
  Edit(const Edit&) = delete;
  Edit& operator=(const Edit&) = delete;

  Inode& inode(const InodeId& id);                    // for changing; it must be there. Valid until finish()
  Inode& add(const InodeId& id, Inode inode);         // it must not be there
  void enter(const Place& place, const InodeId& id);  // replaces what has the name
  void leave(const Place& place);                     // it must be there
  Undo finish() { return std::move(undo_); }

 private:
  void keep_name(const Place& place);

  State& state_;
  Undo undo_;
};

}  // namespace spotfs
