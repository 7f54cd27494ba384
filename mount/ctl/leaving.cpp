#include "mount/ctl/leaving.hpp"

#include <algorithm>
#include <array>

#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "mount/ctl/fields.hpp"
#include "mount/ctl/mounts.hpp"
#include "mount/ctl/status.hpp"

namespace spotfs::ctl {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

constexpr auto kLook = 200ms;
constexpr std::chrono::seconds kSpare = 30s;  // beyond `drain`

// The kernel gives a device's number away again, but not at once the directory's inode number.
std::optional<ino_t> connection_of(dev_t device) {
  const std::string directory = "/sys/fs/fuse/connections/" + std::to_string(minor(device));
  struct stat info {};
  if (::stat(directory.c_str(), &info) != 0) return std::nullopt;
  return info.st_ino;
}

}  // namespace

std::optional<Leaving> Leaving::of(const std::string& mount) {
  const auto status = read_status(mount);
  if (!status) return std::nullopt;
  Leaving out;
  const auto pid = static_cast<pid_t>(number_of(*status, "pid"));
  out.process_ = spot::Descriptor{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
  if (!out.process_) return std::nullopt;
  out.drain_ = std::chrono::seconds{static_cast<std::int64_t>(real_of(object_of(*status, "options"), "drain"))};
  out.left_ = left_of(*status);
  struct stat info {};
  if (::stat(mount.c_str(), &info) != 0) return std::nullopt;
  out.device_ = info.st_dev;
  out.connection_ = connection_of(out.device_);
  return out;
}

bool Leaving::has_ended(std::chrono::milliseconds within) const {
  pollfd entry{process_.get(), POLLIN, 0};
  return ::poll(&entry, 1, static_cast<int>(within.count())) > 0;
}

bool Leaving::is_elsewhere() const {
  if (connection_) return connection_of(device_) == connection_;
  const std::vector<Mount> mounts = list_mounts();
  return std::ranges::any_of(mounts, [&](const Mount& one) { return one.is_spotfs && one.device == device_; });
}

Leaving::End Leaving::wait(Progress& progress, int stop) const {
  const auto begun = Steady::now();
  for (;;) {
    // poll(2) passes over what is no descriptor.
    std::array<pollfd, 2> all{{{process_.get(), POLLIN, 0}, {stop, POLLIN, 0}}};
    if (::poll(all.data(), all.size(), static_cast<int>(kLook.count())) > 0)
      return all[0].revents != 0 ? End::ended : End::stopped;
    if (is_elsewhere()) return End::elsewhere;
    const auto waited = std::chrono::floor<std::chrono::seconds>(Steady::now() - begun);
    if (waited > drain_ + kSpare) return End::late;
    progress.show(static_cast<std::uint64_t>(waited.count()), static_cast<std::uint64_t>(drain_.count()),
                  "stores what is left, for at most " + std::to_string(drain_.count()) + " s");
  }
}

}  // namespace spotfs::ctl
