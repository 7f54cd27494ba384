// What doctor looks for in the system itself.
#include <algorithm>
#include <cerrno>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <strings.h>
#include <sys/stat.h>

#include "client/base/descriptor.hpp"
#include "client/base/encoding.hpp"
#include "mount/ctl/doctor.hpp"

namespace spotfs::ctl {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostRead = 64 << 10;  // bytes of a file of settings

std::string message_of(int number) { return std::error_code{number, std::generic_category()}.message(); }

// Nullopt: errno says why.
std::optional<std::string> read_settings(const fs::path& path) {
  const spot::Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (!file) return std::nullopt;
  std::string text(kMostRead, '\0');
  const ssize_t size = ::read(file.get(), text.data(), text.size());
  if (size < 0) return std::nullopt;
  text.resize(static_cast<std::size_t>(size));
  return text;
}

std::string_view trimmed(std::string_view text) {
  const auto first = std::min(text.find_first_not_of(" \t\r"), text.size());
  text.remove_prefix(first);
  return text.substr(0, text.find_last_not_of(" \t\r") + 1);
}

// Lines without comments.
std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream in{text};
  for (std::string line; std::getline(in, line);) {
    const std::string_view kept = trimmed(std::string_view{line}.substr(0, line.find('#')));
    if (!kept.empty()) out.emplace_back(kept);
  }
  return out;
}

std::optional<fs::path> find_program(const std::vector<fs::path>& directories, const char* name) {
  for (const fs::path& directory : directories) {
    std::error_code ec;
    if (fs::is_regular_file(directory / name, ec)) return directory / name;
  }
  return std::nullopt;
}

// What `PRUNEFS = "…"` lists; updatedb.conf(5).
std::vector<std::string> pruned_types(const std::string& conf) {
  std::vector<std::string> out;
  for (const std::string& line : lines_of(conf)) {
    const auto equals = line.find('=');
    if (equals == line.npos || trimmed(std::string_view{line}.substr(0, equals)) != "PRUNEFS") continue;
    std::string value = line.substr(equals + 1);
    std::ranges::replace(value, '"', ' ');
    std::istringstream words{value};
    for (std::string word; words >> word;) out.push_back(word);
  }
  return out;
}

}  // namespace

Finding check_fuse(const Machine& machine) {
  const std::string name = machine.fuse_device.string();
  struct stat info {};
  if (::stat(name.c_str(), &info) != 0) {
    return Finding::failure("fuse", name + ": " + message_of(errno),
                            "load the module by modprobe fuse; a container must be given the device");
  }
  if (!S_ISCHR(info.st_mode))
    return Finding::failure("fuse", name + " is no device", "remove it, and load the module by modprobe fuse");
  const spot::Descriptor device{::open(name.c_str(), O_RDWR | O_CLOEXEC)};
  if (device) return Finding::ok("fuse", name + " can be opened");
  const int number = errno;
  return Finding::failure("fuse", name + ": " + message_of(number),
                          number == EACCES || number == EPERM
                              ? "as root: chmod 666 " + name + "; a container must be allowed to use it"
                              : "load the module by modprobe fuse");
}

Finding check_fusermount(const Machine& machine) {
  const auto program = find_program(machine.programs, "fusermount3");
  const bool is_root = machine.user == 0;
  if (!program) {
    const std::string text = "not installed, and ordinary users can't mount without it";
    const std::string todo = "install the package fuse3";
    return is_root ? Finding::warning("fusermount3", text, todo) : Finding::failure("fusermount3", text, todo);
  }
  struct stat info {};
  const bool may_mount = ::stat(program->c_str(), &info) == 0 && (info.st_mode & S_ISUID) != 0 && info.st_uid == 0;
  const std::string name = spot::printable(program->string());
  if (may_mount) return Finding::ok("fusermount3", name);
  const std::string text = name + " does not run as root, and ordinary users can't mount by it";
  const std::string todo = "as root: chown root " + name + " && chmod 4755 " + name;
  return is_root ? Finding::warning("fusermount3", text, todo) : Finding::failure("fusermount3", text, todo);
}

Finding check_fuse_conf(const Machine& machine) {
  const std::string name = machine.fuse_conf.string();
  const auto conf = read_settings(machine.fuse_conf);
  const int number = errno;
  if (!conf && number != ENOENT)
    return Finding::warning("user_allow_other", name + ": " + message_of(number), "as root: chmod 644 " + name);
  const auto lines = conf ? lines_of(*conf) : std::vector<std::string>{};
  if (std::ranges::find(lines, "user_allow_other") != lines.end())
    return Finding::ok("user_allow_other", name + " lets all users mount with allow_other");
  if (machine.user == 0) return Finding::ok("user_allow_other", "root may mount with allow_other, others may not");
  return Finding::warning("user_allow_other", name + " lets only root mount with allow_other",
                          "if others are to enter your mounts, root adds the line user_allow_other to it");
}

Finding check_helpers(const Machine& machine) {
  std::string missing;
  for (const char* const name : {"mount.spotfs", "umount.spotfs", "umount.fuse.spotfs", "mount.fuse3"}) {
    if (!find_program(machine.helpers, name)) missing.append(missing.empty() ? "" : ", ").append(name);
  }
  if (missing.empty()) return Finding::ok("helpers", "mount(8), umount(8) and fstab know spotfs");
  return Finding::warning("helpers", missing + " not found: lines of fstab, mount(8) and umount(8) need it",
                          missing == "mount.fuse3" ? "install the package fuse3" : "install the package spotfs");
}

Finding check_updatedb(const Machine& machine) {
  const std::string name = machine.updatedb_conf.string();
  const auto conf = read_settings(machine.updatedb_conf);
  const int number = errno;
  if (!conf && number == ENOENT) return Finding::ok("updatedb", "no " + name + ", nothing reads all names at night");
  if (!conf) return Finding::warning("updatedb", name + ": " + message_of(number), "see whether it can be read");
  const auto types = pruned_types(*conf);
  const bool is_pruned = std::ranges::any_of(
      types, [](const std::string& type) { return ::strcasecmp(type.c_str(), "fuse.spotfs") == 0; });
  if (is_pruned) return Finding::ok("updatedb", "leaves mounts alone");
  return Finding::warning("updatedb", "it reads the names of every mount at night",
                          "add fuse.spotfs to PRUNEFS in " + name);
}

}  // namespace spotfs::ctl
