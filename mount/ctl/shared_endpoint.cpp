#include "mount/ctl/shared_endpoint.hpp"

#include <cerrno>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/base/encoding.hpp"
#include "fs/tree/control/lines.hpp"

namespace spotfs::ctl {

using spot::Answer;
using spot::Descriptor;
using spot::Failure;

namespace {

Failure failure(const std::string& mount, const std::string& path, int number) {
  const std::error_code code{number, std::generic_category()};
  const std::string shown = spot::printable(mount);
  if (number == ENOENT) return {code, shown + " has no listen/: it shows the disk alone"};
  if (number == EROFS) return {code, shown + " is read-only: give --source, or `mount -o remount,rw` it"};
  if (number == EBUSY) return {code, spot::printable(path) + ": the mount itself answers there, take another name"};
  return tree::about(path, code);
}

Descriptor open_directory(const std::string& path) {
  return Descriptor{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
}

bool lock(const Descriptor& file, int how) {
  int done = 0;
  do done = ::flock(file.get(), how);
  while (done != 0 && errno == EINTR);
  return done == 0;
}

bool is_still_at(const Descriptor& directory, const std::string& path) {
  struct stat mine {
  }, there{};
  return ::fstat(directory.get(), &mine) == 0 && ::stat(path.c_str(), &there) == 0 && mine.st_ino == there.st_ino;
}

}  // namespace

Answer<SharedEndpoint> SharedEndpoint::open(const std::string& mount, const std::string& name) {
  const std::string all = mount + "/listen";
  SharedEndpoint out{all + "/" + name};
  out.all_ = open_directory(all);
  if (!out.all_ || !lock(out.all_, LOCK_EX)) return failure(mount, all, errno);
  const bool made = ::mkdir(out.path_.c_str(), 0700) == 0;
  if (!made && errno != EEXIST) return failure(mount, out.path_, errno);
  Descriptor directory = open_directory(out.path_);
  if (!directory) return failure(mount, out.path_, errno);
  // Nobody else's lock is there: it is no listener's.
  const bool is_ours = made || !lock(directory, LOCK_EX | LOCK_NB);
  if (is_ours && lock(directory, LOCK_SH)) out.mine_ = std::move(directory);
  lock(out.all_, LOCK_UN);
  return out;
}

SharedEndpoint::~SharedEndpoint() {
  if (!mine_ || !lock(all_, LOCK_EX)) return;
  const bool is_last = lock(mine_, LOCK_EX | LOCK_NB);
  if (is_last && is_still_at(mine_, path_)) ::rmdir(path_.c_str());
}

}  // namespace spotfs::ctl
