#include "fs/store/directories.hpp"

#include <cerrno>
#include <system_error>

#include <sys/stat.h>

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

}  // namespace spotfs
