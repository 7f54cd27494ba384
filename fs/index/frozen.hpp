// What a snapshot holds: the state after some operations, and which these are.
//
// Thread: values. Source: files.md, "State", "Snapshot".
#pragma once

#include "fs/index/included.hpp"
#include "fs/index/state.hpp"

namespace spotfs {

struct Frozen {
  State::Contents contents;
  Included included;
};

// Leaves out what late operations no longer need: removed inodes and aliases that the snapshot's base knows as such.
void prune(Frozen& frozen, const Included& base);

}  // namespace spotfs
