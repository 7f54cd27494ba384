// What signals the caller of a request has.
//
// Thread: any. Source: proc(5), /proc/TID/status: SigPnd, ShdPnd, SigBlk, SigIgn and SigCgt. What a signal kills has
// SIGKILL pending until it is gone.
#pragma once

#include <optional>
#include <string_view>

#include <sys/types.h>

namespace spotfs::fuse {

enum class Signals {
  none,     // or such as mean nothing to it, as a SIGCHLD that it has no handler for: these wake it, too
  pending,  // it handles them, or they end or stop it
  fatal     // it is being killed, and won't see an answer
};

// By a thread's /proc/TID/status.
Signals signals_in(std::string_view status) noexcept;
// nullopt: nobody can tell, as of one that has no number here.
std::optional<Signals> pending_signals(pid_t tid) noexcept;

}  // namespace spotfs::fuse
