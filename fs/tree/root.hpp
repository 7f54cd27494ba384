// The root of the mount: the subtrees by their names.
//
//   tree::make_root({{"blobs", blobs.node}, {"endpoints", tree::make_endpoints(…)}, {"self", tree::make_self(…)}}, …)
//
// Thread, lifetime: FixedDirectory.
#pragma once

#include "fs/tree/fixed_directory.hpp"

namespace spotfs::tree {

NodePtr make_root(std::vector<NamedNode> subtrees, Access access, SpaceFunction space = {});

}  // namespace spotfs::tree
