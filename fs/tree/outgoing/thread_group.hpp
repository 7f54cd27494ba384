// The process that a thread belongs to.
//
// Thread: any.
#pragma once

#include <functional>
#include <optional>

#include <sys/types.h>

namespace spotfs::tree {

// nullopt where it can't be had.
using ThreadGroup = std::function<std::optional<pid_t>(pid_t tid)>;

// From /proc/<tid>/status alone: anything else in /proc may wait for an exec that waits for the caller.
std::optional<pid_t> thread_group_of(pid_t tid);

}  // namespace spotfs::tree
