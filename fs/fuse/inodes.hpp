// Which node is behind each of the kernel's node ids, for as long as the kernel knows it.
//
// The kernel counts: each answer that tells it of a node (lookup, create, an entry of readdirplus …) is one reference,
// a FORGET takes some back, and at none the id is gone here, too. The same node has the same id while it is known. An
// id is never given out twice in a session; the generation tells sessions apart.
//
// Thread: any. Nodes are let go outside the lock, as their destructors may do anything.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "client/base/sync.hpp"
#include "fs/tree/node.hpp"

namespace spotfs::fuse {

using namespace tree;

class Inodes {
 public:
  static constexpr std::uint64_t root_id = 1;

  explicit Inodes(NodePtr root);

  // Counts one reference.
  std::uint64_t remember(const NodePtr& node);
  // Takes `count` back. The root stays; an unknown id, and more than there are, are taken for all that there is.
  void forget(std::uint64_t id, std::uint64_t count);
  NodePtr find(std::uint64_t id) const;  // null: unknown
  std::optional<std::uint64_t> id_of(const Node* node) const;
  std::size_t size() const;  // the root included
  void clear();

  std::uint64_t generation() const noexcept { return generation_; }

 private:
  struct Known {
    NodePtr node;
    std::uint64_t references = 0;
  };
  struct Tables {
    std::unordered_map<std::uint64_t, Known> by_id;
    std::unordered_map<const Node*, std::uint64_t> by_node;
    std::uint64_t last_id = root_id;
  };
  spot::Synchronized<Tables> tables_;
  std::uint64_t generation_;
};

}  // namespace spotfs::fuse
