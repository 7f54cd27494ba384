#include "mount/mount_point.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "client/base/encoding.hpp"
#include "fs/fuse/kernel_mount.hpp"

namespace spotfs::mount {
namespace {

namespace fs = std::filesystem;
using spot::Answer;
using spot::Failure;

constexpr int kMostInTheWay = 16;  // dead mounts, one above the other

Failure failure(int number, const std::string& directory, const std::string& what) {
  return {std::error_code{number, std::generic_category()}, directory + ": " + what};
}

// The kernel writes space, tab, newline and backslash as \ooo.
std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned code = 0;
    if (text[i] == '\\' && i + 3 < text.size() &&
        std::from_chars(&text[i + 1], &text[i + 1] + 3, code, 8).ptr == &text[i + 1] + 3 && code < 256) {
      out.push_back(static_cast<char>(code));
      i += 3;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

std::vector<std::string_view> words_of(std::string_view line, char separator = ' ') {
  std::vector<std::string_view> words;
  while (!line.empty()) {
    const auto space = line.find(separator);
    words.push_back(line.substr(0, space));
    line.remove_prefix(space == line.npos ? line.size() : space + 1);
  }
  return words;
}

dev_t device_of(std::string_view text) {
  unsigned major = 0;
  unsigned minor = 0;
  const auto colon = std::min(text.find(':'), text.size());
  std::from_chars(text.data(), text.data() + colon, major);
  if (colon < text.size()) std::from_chars(text.data() + colon + 1, text.data() + text.size(), minor);
  return makedev(major, minor);
}

Failure taken(const std::string& place, const MountEntry& mounted) {
  return failure(
      EBUSY, place,
      spot::printable(mounted.source) + " is mounted here already: umount it first, or give another directory");
}

}  // namespace

bool MountEntry::has(std::string_view option) const { return std::ranges::find(options, option) != options.end(); }

std::optional<MountEntry> find_mount(std::string_view mountinfo, std::string_view directory) {
  std::optional<MountEntry> found;
  while (!mountinfo.empty()) {
    const auto end = mountinfo.find('\n');
    const auto words = words_of(mountinfo.substr(0, end));
    mountinfo.remove_prefix(end == mountinfo.npos ? mountinfo.size() : end + 1);
    // id parent major:minor root place options [optional …] - type source options
    constexpr std::size_t kOptional = 6;
    if (words.size() <= kOptional || unescaped(words[4]) != directory) continue;
    std::size_t dash = kOptional;
    while (dash < words.size() && words[dash] != "-") ++dash;
    if (dash + 2 >= words.size()) continue;
    found = MountEntry{unescaped(words[dash + 1]), unescaped(words[dash + 2]), device_of(words[2]), {}};
    for (const std::string_view list : {words[5], dash + 3 < words.size() ? words[dash + 3] : std::string_view{}}) {
      for (const std::string_view option : words_of(list, ',')) found->options.push_back(unescaped(option));
    }
  }
  return found;
}

std::optional<MountEntry> mount_at(const std::string& directory) {
  std::ifstream file{"/proc/self/mountinfo"};
  const std::string table{std::istreambuf_iterator<char>{file}, {}};
  return find_mount(table, directory);
}

Answer<std::string> resolve_place(const std::string& directory) {
  std::error_code ec;
  fs::path path = fs::absolute(directory, ec);
  while (!path.has_filename() && path.has_relative_path()) path = path.parent_path();
  const fs::path whole = fs::canonical(path, ec);
  if (!ec) return whole.string();
  if (ec != std::errc::not_connected) return failure(ec.value(), directory, "give an existing directory to mount on");
  const fs::path parent = fs::canonical(path.parent_path(), ec);
  if (ec) return failure(ec.value(), directory, ec.message());
  return (parent / path.filename()).string();
}

Answer<std::string> prepare_mount_point(const std::string& directory) {
  const Answer<std::string> place = resolve_place(directory);
  if (!place) return place;
  for (int cleared = 0;; ++cleared) {
    // Its program must be asked whether it is there, whatever the kernel has cached; an autofs is not to be triggered.
    struct statx info {};
    const int number =
        ::statx(AT_FDCWD, place->c_str(), AT_NO_AUTOMOUNT | AT_STATX_FORCE_SYNC, STATX_TYPE, &info) == 0 ? 0 : errno;
    const auto mounted = mount_at(*place);
    const bool ours = mounted && mounted->type == kMountType;
    if (number == ENOTCONN && ours && cleared < kMostInTheWay) {
      const Answer<void> gone = fuse::unmount(*place, mounted->device);
      if (gone) continue;
      return failure(EPERM, *place, "a mount whose program is gone is in the way: umount it first");
    }
    if (number == ENOTCONN)
      return failure(EBUSY, *place, "a mount whose program is gone is in the way: umount it first");
    if (ours) return taken(*place, *mounted);
    if (number != 0) return failure(number, *place, "give an existing directory to mount on");
    if (!S_ISDIR(info.stx_mode)) return failure(ENOTDIR, *place, "give a directory to mount on");
    return place;
  }
}

Answer<spot::Descriptor> reserve_mount_point(const std::string& place, std::chrono::milliseconds limit) {
  constexpr std::chrono::milliseconds kPause{10};
  spot::Descriptor directory{::open(place.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!directory) return directory;
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (::flock(directory.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return spot::Descriptor{};
    if (std::chrono::steady_clock::now() > deadline)
      return failure(EBUSY, place, "another mount is being made here: try again, or give another directory");
    std::this_thread::sleep_for(kPause);
  }
  if (const auto mounted = mount_at(place); mounted && mounted->type == kMountType) return taken(place, *mounted);
  return directory;
}

}  // namespace spotfs::mount
