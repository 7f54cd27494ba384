#include "fs/store/directories.hpp"

#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/base/descriptor.hpp"

namespace spotfs {

namespace fs = std::filesystem;
using spot::Answer;
using spot::Failure;

Failure system_failure(const fs::path& path) {
  return Failure{std::error_code{errno, std::generic_category()}, path.string()};
}

Answer<void> make_directories(const fs::path& path) {
  std::error_code ec;
  if (path.has_parent_path() && !fs::exists(path.parent_path(), ec)) {
    if (Answer<void> made = make_directories(path.parent_path()); !made) return made;
  }
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return system_failure(path);
  return {};
}

Answer<void> sync_directory(const fs::path& path) {
  const spot::Descriptor directory{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!directory || ::fsync(directory.get()) != 0) return system_failure(path);
  return {};
}

}  // namespace spotfs
