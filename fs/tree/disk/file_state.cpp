#include "fs/tree/disk/file_state.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace spotfs::tree {

int wanted_by(int flags) noexcept {
  const int how = flags & O_ACCMODE;
  int mask = how == O_RDONLY ? R_OK : how == O_WRONLY ? W_OK : R_OK | W_OK;
  if ((flags & O_TRUNC) != 0) mask |= W_OK;
  return mask;
}

}  // namespace spotfs::tree
