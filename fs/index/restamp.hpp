// What a copied state directory has not committed, as operations of another writer: two mounts must never commit
// different operations under one stamp, or make two inodes under one id.
//
// Thread: pure function. Source: files.md, "Copied state directories".
#pragma once

#include <functional>
#include <vector>

#include "fs/index/op.hpp"
#include "fs/index/state.hpp"

namespace spotfs {

// `operations`: in the order of their stamps; `state`: with them applied. Each gets a stamp from `next`, and each inode
// that is made among them a new id. Below blobs/ the value at the key has its version in it: there a version stays, in
// the make where the inode is new, else in a write that keeps its stamp (it is the same for both mounts).
std::vector<Operation> restamp(std::vector<Operation> operations, const State& state,
                               const std::function<Stamp()>& next);

}  // namespace spotfs
