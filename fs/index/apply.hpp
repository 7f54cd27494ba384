// What an operation does to a state that its maker may not have seen: the only place where anyone wins.
//
// The same operations applied in the order of their stamps give the same state everywhere. An operation that makes no
// sense (a link of a directory, a name in a file) does nothing, so whatever a log holds, the state stays a tree: every
// name is that of an inode that is there, every directory but the fixed ones has one name, and none is below itself.
//
// Thread: that of the state. Source: files.md, "Apply"; apply.py.
#pragma once

#include "fs/index/op.hpp"
#include "fs/index/state.hpp"

namespace spotfs {

// GapHit, with nothing changed: of a state that is not whole, something is needed that is not in memory.
Undo apply(State& state, const Operation& operation);

}  // namespace spotfs
