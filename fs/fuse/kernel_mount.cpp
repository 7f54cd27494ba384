#include "fs/fuse/kernel_mount.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;  // NOLINT: POSIX

namespace spotfs::fuse {
namespace {

constexpr const char* device_path = "/dev/fuse";
constexpr const char* type = "fuse.spotfs";
constexpr const char* helper = "fusermount3";

Failure failure(int number, const std::string& what) {
  const std::error_code code{number, std::generic_category()};
  return {code, what + ": " + code.message()};
}

constexpr unsigned long kNoSymFollow = 256;  // MS_NOSYMFOLLOW, since Linux 5.10; passed over by older ones

struct Flag {
  std::string_view name;
  unsigned long bit;
  bool by_helper;  // fusermount3 takes it, and fails on the others
};
constexpr std::array flags{
    Flag{"noexec", MS_NOEXEC, true},
    Flag{"noatime", MS_NOATIME, true},
    Flag{"sync", MS_SYNCHRONOUS, true},
    Flag{"dirsync", MS_DIRSYNC, true},
    Flag{"nodiratime", MS_NODIRATIME, false},
    Flag{"relatime", MS_RELATIME, false},
    Flag{"strictatime", MS_STRICTATIME, false},
    Flag{"nosymfollow", kNoSymFollow, false},
};

const Flag* find_flag(std::string_view option) noexcept {
  const auto* const found = std::ranges::find(flags, option, &Flag::name);
  return found == flags.end() ? nullptr : found;
}

std::string join(const std::vector<std::string>& options) {
  std::string all;
  for (const std::string& option : options) all.append(all.empty() ? "" : ",").append(option);
  return all;
}

// What FUSE itself understands, by mount(2) as by fusermount3.
std::vector<std::string> fuse_options(const SessionOptions& options) {
  std::vector<std::string> all;
  if (options.allow_other) all.emplace_back("allow_other");
  if (options.allow_other || options.default_permissions) all.emplace_back("default_permissions");
  return all;
}

// The kernel's idea of what is at a path, without asking the filesystem that is there.
std::optional<dev_t> device_at(const std::string& directory) {
  struct statx found {};
  const int result = statx(AT_FDCWD, directory.c_str(), AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC, 0, &found);
  if (result != 0) return std::nullopt;
  return makedev(found.stx_dev_major, found.stx_dev_minor);
}

// Runs fusermount3 and waits for it; nullopt: it could not be run.
std::optional<int> run_helper(std::vector<std::string> arguments, int inherited) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  std::vector<std::string> environment;
  for (char** one = environ; *one != nullptr; ++one) {
    if (std::strncmp(*one, "_FUSE_COMMFD=", 13) != 0) environment.emplace_back(*one);
  }
  if (inherited >= 0) {
    // To the same number: this takes close-on-exec off in the child alone.
    posix_spawn_file_actions_adddup2(&actions, inherited, inherited);
    environment.push_back("_FUSE_COMMFD=" + std::to_string(inherited));
  }
  arguments.insert(arguments.begin(), helper);
  const auto pointers = [](std::vector<std::string>& strings) {
    std::vector<char*> result;
    result.reserve(strings.size() + 1);
    for (std::string& one : strings) result.push_back(one.data());
    result.push_back(nullptr);
    return result;
  };
  pid_t child = 0;
  const int wrong =
      posix_spawnp(&child, helper, &actions, nullptr, pointers(arguments).data(), pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  if (wrong != 0) return std::nullopt;
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return -1;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// The descriptor that fusermount3 passes over its socket.
Descriptor receive_descriptor(int socket) {
  char byte = 0;
  iovec data{&byte, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) <= 0) return {};
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_type != SCM_RIGHTS || header->cmsg_len != CMSG_LEN(sizeof(int))) return {};
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
  return Descriptor{fd};
}

Answer<Descriptor> mount_by_helper(const SessionOptions& options) {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) return failure(errno, "socketpair");
  const Descriptor ours{ends[0]};
  const Descriptor theirs{ends[1]};
  std::vector<std::string> all = fuse_options(options);
  all.emplace_back("subtype=spotfs");
  std::string source = "fsname=";
  for (const char c : options.source) {
    if (c == ',' || c == '\\') source.push_back('\\');
    source.push_back(c);
  }
  all.push_back(std::move(source));
  if (options.read_only) all.emplace_back("ro");
  all.emplace_back(options.allow_suid ? "suid" : "nosuid");
  all.emplace_back(options.allow_dev ? "dev" : "nodev");
  for (const std::string& option : options.kernel_options) {
    const Flag* const flag = find_flag(option);
    if (flag == nullptr || flag->by_helper) all.push_back(option);
  }
  const std::optional<int> status = run_helper({"-o", join(all), "--", options.directory}, theirs.get());
  if (!status) {
    return Failure{std::error_code{EPERM, std::generic_category()},
                   options.directory + ": only root may mount; install fusermount3 (package fuse3)"};
  }
  Descriptor device = receive_descriptor(ours.get());
  if (*status == 0 && device) return device;
  return Failure{std::error_code{EPERM, std::generic_category()},
                 options.directory + ": fusermount3 did not mount it; what it says is above"};
}

Answer<Descriptor> mount_directly(const SessionOptions& options, mode_t kind) {
  Descriptor device{open(device_path, O_RDWR | O_CLOEXEC)};
  if (!device) {
    return failure(errno, std::string{device_path} + (errno == ENOENT ? " (try modprobe fuse)" : ""));
  }
  unsigned long bits = 0;
  if (options.read_only) bits |= MS_RDONLY;
  if (!options.allow_suid) bits |= MS_NOSUID;
  if (!options.allow_dev) bits |= MS_NODEV;
  std::vector<std::string> data = fuse_options(options);
  data.push_back("fd=" + std::to_string(device.get()));
  std::array<char, 16> root{};
  std::snprintf(root.data(), root.size(), "%o", kind);
  data.push_back(std::string{"rootmode="} + root.data());
  data.push_back("user_id=" + std::to_string(getuid()));
  data.push_back("group_id=" + std::to_string(getgid()));
  for (const std::string& option : options.kernel_options) {
    if (const Flag* const flag = find_flag(option))
      bits |= flag->bit;
    else
      data.push_back(option);
  }
  if (::mount(options.source.c_str(), options.directory.c_str(), type, bits, join(data).c_str()) != 0) {
    return failure(errno, options.directory + ": mount");
  }
  return device;
}

}  // namespace

Answer<KernelMount> mount(const SessionOptions& options) {
  struct stat found {};
  if (stat(options.directory.c_str(), &found) != 0) {
    return failure(errno, options.directory + ": give an existing directory to mount on");
  }
  if (!S_ISDIR(found.st_mode)) return failure(ENOTDIR, options.directory + ": give a directory to mount on");

  Answer<Descriptor> device = mount_directly(options, found.st_mode & S_IFMT);
  const int number = device ? 0 : device.error().code.value();
  if (number == EPERM || number == EACCES) device = mount_by_helper(options);
  if (!device) return device.error();
  KernelMount result;
  result.device = *std::move(device);
  result.id = device_at(options.directory).value_or(0);
  return result;
}

Answer<void> unmount(const std::string& directory, dev_t id) {
  if (device_at(directory) != id) return {};
  if (umount2(directory.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0) return {};
  if (errno != EPERM) return failure(errno, directory + ": unmount");
  const std::optional<int> status = run_helper({"-u", "-z", "-q", "--", directory}, -1);
  if (status == 0) return {};
  return failure(EPERM, directory + ": unmount by fusermount3");
}

}  // namespace spotfs::fuse
