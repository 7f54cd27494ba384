// Will the caller of a request see its answer?
//
// Thread: any. Source: proc(5), SigPnd and ShdPnd: what a signal kills has SIGKILL pending until it is gone.
#pragma once

#include <optional>
#include <string_view>

#include <sys/types.h>

namespace spotfs::fuse {

// Of the thread's /proc/TID/status.
bool has_fatal_signal(std::string_view status) noexcept;

// nullopt: nobody can tell, as of one that has no number here.
std::optional<bool> is_killed(pid_t tid) noexcept;
// Also where nobody can tell.
bool is_dying(pid_t tid) noexcept;

}  // namespace spotfs::fuse
