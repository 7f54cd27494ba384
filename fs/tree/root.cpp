#include "fs/tree/root.hpp"

namespace spotfs::tree {

NodePtr make_root(std::vector<NamedNode> subtrees, Access access, SpaceFunction space) {
  return std::make_shared<FixedDirectory>(std::move(subtrees), 0755, access, std::move(space));
}

}  // namespace spotfs::tree
