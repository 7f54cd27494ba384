// What POSIX asks of a change before it becomes an operation: each function looks at the present state and gives the
// action, or the errno.
//
// An action that these give does, when it is applied to the same state at once, just what its caller asked for; what it
// does to a state that its maker has not seen is the business of apply().
//
// Thread: pure functions; the state belongs to its owner's lock. Ids of directories may be those of aliases.
// Errors: POSIX ones as std::errc, as index.hpp lists them for each change. Source: files.md, "Operations"; blobs.md.
#pragma once

#include <optional>
#include <string>

#include "fs/index/op.hpp"
#include "fs/index/state.hpp"

namespace spotfs {

// invalid_argument, filename_too_long.
Result<void> check_name(const std::string& name);

Result<Make> plan_make(const State& state, const InodeId& directory, std::string name, NewInode inode);
Result<Link> plan_link(const State& state, const InodeId& inode, const InodeId& directory, std::string name);
Result<Unlink> plan_unlink(const State& state, const InodeId& directory, std::string name);
Result<Unlink> plan_rmdir(const State& state, const InodeId& directory, std::string name);
// None: nothing is to be done.
Result<std::optional<Move>> plan_move(const State& state, const InodeId& from, std::string name, const InodeId& to,
                                      std::string new_name, bool keep_existing);
Result<Exchange> plan_exchange(const State& state, const InodeId& one, std::string name, const InodeId& other,
                               std::string other_name);
Result<Set> plan_set(const State& state, const InodeId& inode, Changes changes);

}  // namespace spotfs
