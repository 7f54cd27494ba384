// Joining: several operations of one inode that nobody has seen yet become one.
//
// Thread: pure functions. Source: files.md, "Operations", last paragraph.
#pragma once

#include <vector>

#include "fs/index/op.hpp"

namespace spotfs {

// `operations`: of one run, in the order of their stamps, none of which any store was ever tried for. Gives them in the
// same order, joined where no operation in between names the inode: a make with its writes and sets is one make (of the
// make's stamp) and a set of nothing (of the last stamp, for the ctime), writes on top of each other are the last one
// on the first one's base, sets are one set (of the last stamp), and what was made and removed leaves nothing. All
// others stay as they are. The state is that of the operations given, but for the times of directories in which
// something was made and removed: replace them in the History, so that this mount shows what the others will.
std::vector<Operation> join(std::vector<Operation> operations);

}  // namespace spotfs
