// What is known of a thread that a request comes from.
//
// Thread: any.
#pragma once

#include <functional>
#include <optional>

#include <sys/types.h>

namespace spotfs::tree {

struct Thread {
  pid_t group = 0;  // the process
  // It ends, and closes its files for that: nobody hears what comes of it, and no signal reaches it any more.
  bool is_exiting = false;
};

// nullopt where it can't be had.
using FindThread = std::function<std::optional<Thread>(pid_t tid)>;

// By thread_status.hpp.
std::optional<Thread> find_thread(pid_t tid);

}  // namespace spotfs::tree
