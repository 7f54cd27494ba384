// The nodes of a snapshot: a B+-tree whose nodes are blobs that never change.
//
// A leaf is [0, [key, value] ...], a node above it [height, [first key, id] ...]. A new tree is written level by level
// over the old one's cuts, so that a node whose items are the same keeps its id, and only the others are stored.
//
//   LevelWriter leaves{0, old.level(0)};
//   for (…) leaves.add(key, value);            // rising keys
//   leaves.finish();
//   while (auto node = leaves.next()) …        // also between two add(): store what is fresh
//
// Thread: values. Errors: malformed for all but what a LevelWriter can have made. Source: files.md, "State".
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "client/base/result.hpp"
#include "client/crypto/hash.hpp"
#include "fs/content/reference.hpp"
#include "fs/index/node_sizes.hpp"

namespace spotfs {

inline constexpr std::uint64_t kMaxHeight = 16;

// A node that is in the store.
struct NodeRef {
  Bytes first;  // key
  BlobId id{};
  spot::Sha256 hash{};  // of its plaintext; zero: it was not read
};

// What is known of a tree without its items: from leaves to the root.
struct TreeShape {
  std::vector<std::vector<NodeRef>> levels;
  bool is_whole = true;  // no: what is below some of the nodes is not known, as they can't be had

  const BlobId& root() const noexcept { return levels.back().front().id; }  // of a tree that is not empty
  std::uint64_t height() const noexcept { return levels.size() - 1; }
  std::set<BlobId> ids() const;
  std::span<const NodeRef> level(std::size_t height) const noexcept {
    return height < levels.size() ? std::span<const NodeRef>{levels[height]} : std::span<const NodeRef>{};
  }
};

// With the hashes of leaves that were read since, so that those that stay the same are known.
TreeShape with_hashes(TreeShape shape, const std::map<BlobId, spot::Sha256>& hashes);

class LevelWriter {
 public:
  // `old`: the nodes of the same height in the tree that this one replaces; they outlive the writer.
  LevelWriter(std::uint64_t height, std::span<const NodeRef> old, const NodeSizes& sizes = {})
      : height_{height}, old_{old}, sizes_{sizes} {}

  // `value`: one CBOR item. Keys rise.
  void add(BytesView key, BytesView value);
  void finish();

  struct Written {
    NodeRef node;
    Bytes fresh;  // its plaintext, where it must be stored; else empty
  };
  std::optional<Written> next();

 private:
  struct Item {
    Bytes key, value;
    std::size_t size() const noexcept;
  };
  // Items that go into one node, as far as is known by now.
  struct Group {
    std::vector<Item> items;
    std::size_t size = 0;
    const NodeRef* old = nullptr;  // the node that had this range
  };

  void close();
  void cut(Group& group);
  void write(const Group& group);

  std::uint64_t height_;
  std::span<const NodeRef> old_;
  NodeSizes sizes_;
  std::size_t passed_ = 0;  // of the old nodes
  Group before_, present_;
  std::deque<Written> written_;
};

// Calls `visit` for each item of a node of this height; its first key must be `first`, where that is given.
// An error that `visit` gives ends it.
using ItemVisitor = std::function<Result<void>(BytesView key, BytesView value)>;
Result<void> read_node(BytesView plaintext, std::uint64_t height, std::optional<BytesView> first,
                       const ItemVisitor& visit);

// The value of an item above the leaves.
Bytes encode_child(const BlobId& id);
Result<BlobId> decode_child(BytesView value);

}  // namespace spotfs
