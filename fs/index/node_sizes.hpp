// How large the nodes of a snapshot are.
//
// Thread: values.
#pragma once

#include <cstddef>

namespace spotfs {

// Bytes of a node's plaintext. Where two trees are cut makes no difference to who reads them.
struct NodeSizes {
  std::size_t most = 16 * 1024;  // beyond, it is split
  std::size_t full = 12 * 1024;  // of the parts of one that is split: each has room to grow
  std::size_t least = 4 * 1024;  // below, it is merged with its neighbour
};

}  // namespace spotfs
