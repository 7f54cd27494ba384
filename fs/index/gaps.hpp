// What of a state is not in memory: ranges of its snapshot's keys, each the range of a node that was not read yet, or
// that can't be had.
//
// Whoever asks a State for something that is in a gap gets a GapHit thrown, as a rule that needs it can go no further:
// the change that it was part of is taken back, the nodes are read, and the change is tried again. No GapHit leaves
// fs/index.
//
// Keys may be in doubt, too: what can't be had was needed to know what an operation has made of them.
//
// Thread: values.
#pragma once

#include <exception>
#include <map>
#include <optional>
#include <set>
#include <system_error>
#include <type_traits>
#include <utility>

#include "fs/content/reference.hpp"
#include "fs/index/stamp.hpp"

namespace spotfs {

struct Gap {
  Bytes end;  // the first key that is not in it; empty: none, it has all that follow
  BlobId node{};
  std::error_code why;  // the node can't be had; none: it was not read yet
};

struct GapHit final : std::exception {
  explicit GapHit(std::error_code why_not) : why{why_not} {}
  explicit GapHit(std::set<BlobId> to_read) : nodes{std::move(to_read)} {}
  const char* what() const noexcept override { return "a part of the state is not in memory"; }

  std::error_code why;     // it can't be had
  std::set<BlobId> nodes;  // else: what to read first
};

// What came of something that may throw a GapHit.
template <class T>
struct Attempt {
  std::optional<T> done;
  std::set<BlobId> unread;  // not done: what to read first
  std::error_code why;      // not done, and not to be had
};

template <class Work>
Attempt<std::invoke_result_t<const Work&>> attempt(const Work& work) {
  try {
    return {work(), {}, {}};
  } catch (const GapHit& hit) {
    return {std::nullopt, hit.nodes, hit.why};
  }
}

class Gaps {
 public:
  // Of two that overlap, both have the same end.
  void add(Bytes first, Gap gap);
  bool empty() const noexcept { return gaps_.empty(); }
  std::size_t size() const noexcept { return gaps_.size(); }

  // The one that a key is in; null: none.
  const Gap* at(const Bytes& key) const;
  // Nodes of gaps that have keys from `first` on and before `end`, at most `max`, in the order of keys. A GapHit where
  // one that can't be had is among them, or a key in doubt.
  std::set<BlobId> within(const Bytes& first, const Bytes& end, std::size_t max) const;
  // The same without those that can't be had.
  std::set<BlobId> ahead(const Bytes& first, const Bytes& end, std::size_t max) const;
  bool touches(const Bytes& first, const Bytes& end) const;
  // Is all from `first` on, and before `end`, in gaps?
  bool covers(const Bytes& first, const Bytes& end) const;
  // Nodes that were not read yet; `except_in`: but those whose range is in gaps of these too.
  std::set<BlobId> unread() const;
  std::set<BlobId> unread_except_in(const Gaps& except) const;
  // The first of them that can't be had; none: all can.
  std::error_code lost() const;
  std::set<BlobId> lost_nodes() const;

  // False: there is no such gap.
  bool close(const BlobId& node);
  // False: it is lost already, or there is no such gap.
  bool lose(const BlobId& node, std::error_code why);
  bool has(const BlobId& node) const { return at_.contains(node); }
  // As often as it was doubted, a key must be trusted again.
  void doubt(const Bytes& key, std::error_code why);
  void trust(const Bytes& key);
  bool has_doubts() const noexcept { return !doubts_.empty(); }
  std::error_code doubt_of(const Bytes& key) const;  // none: it is not in doubt
  // Is the key in the range of a node that is there?
  bool holds(const BlobId& node, const Bytes& key) const;

 private:
  std::map<Bytes, Gap>::const_iterator first_within(const Bytes& first) const;

  std::map<Bytes, Gap> gaps_;  // by first key
  std::map<BlobId, Bytes> at_;
  std::multimap<Bytes, std::error_code> doubts_;
};

}  // namespace spotfs
