// Whether each mount of spotfs has a program that answers for it.
#include <cerrno>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <sys/stat.h>

#include "client/base/encoding.hpp"
#include "mount/ctl/doctor.hpp"
#include "mount/ctl/mounts.hpp"
#include "mount/ctl/patience.hpp"

namespace spotfs::ctl {
namespace {

// Its program is asked, whatever the kernel has cached; an autofs above is not triggered.
int ask_mount(const std::string& directory) {
  struct statx info {};
  const int flags = AT_NO_AUTOMOUNT | AT_STATX_FORCE_SYNC;
  return ::statx(AT_FDCWD, directory.c_str(), flags, STATX_TYPE, &info) == 0 ? 0 : errno;
}

}  // namespace

std::vector<Finding> check_mounts(const Machine& machine) {
  std::stringstream text;
  text << std::ifstream{machine.mountinfo}.rdbuf();
  std::vector<Finding> out;
  for (const Mount& mount : parse_mounts(text.str())) {
    if (!mount.is_spotfs) continue;
    const std::string name = spot::printable(mount.directory);
    const auto number = within(
        machine.patience, [directory = mount.directory, look = machine.look ? machine.look : Machine::Look{ask_mount}] {
          return look(directory);
        });
    if (!number) {
      out.push_back(Finding::failure("mounts", name + ": its program does not answer",
                                     "see its log (journalctl -t spotfs); umount -l takes the mount away"));
    } else if (*number == ENOTCONN) {
      out.push_back(Finding::failure("mounts", name + ": its program is gone", "umount it, or mount it again"));
    } else {
      out.push_back(Finding::ok("mounts", name + (*number == EACCES ? " is another user's" : " works")));
    }
  }
  if (out.empty()) out.push_back(Finding::ok("mounts", "there is no mount of spotfs"));
  return out;
}

}  // namespace spotfs::ctl
