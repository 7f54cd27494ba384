#include "fs/tree/outgoing/thread.hpp"

#include "fs/tree/thread_status.hpp"

namespace spotfs::tree {

std::optional<Thread> find_thread(pid_t tid) {
  const auto status = thread_status(tid);
  if (!status) return std::nullopt;
  const auto group = number_in(status->text(), "Tgid", 10);
  if (!group || *group == 0) return std::nullopt;
  // Only a thread that exits has no table of files.
  return Thread{static_cast<pid_t>(*group), number_in(status->text(), "FDSize", 10) == 0U};
}

}  // namespace spotfs::tree
