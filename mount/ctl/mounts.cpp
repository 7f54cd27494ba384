#include "mount/ctl/mounts.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <sys/sysmacros.h>

#include "client/base/encoding.hpp"
#include "mount/ctl/patience.hpp"

namespace spotfs::ctl {
namespace {

using spot::Answer;
using spot::Errc;
using spot::Failure;

constexpr std::string_view kType = "fuse.spotfs";

// Spaces, tabs, newlines and backslashes are three octal digits there.
std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto digit = [&](std::size_t at) { return at < text.size() && text[at] >= '0' && text[at] <= '7'; };
    if (text[i] == '\\' && digit(i + 1) && digit(i + 2) && digit(i + 3)) {
      const int value = (text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0');
      out.push_back(static_cast<char>(value));
      i += 3;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

template <class T>
T number_of(std::string_view text) {
  T number{};
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

dev_t device_of(std::string_view text) {
  const std::size_t colon = std::min(text.find(':'), text.size() - 1);
  return makedev(number_of<unsigned>(text.substr(0, colon)), number_of<unsigned>(text.substr(colon + 1)));
}

uid_t user_of(const std::string& options) {
  constexpr std::string_view kUser = "user_id=";
  std::istringstream words{options};
  for (std::string word; std::getline(words, word, ',');) {
    if (word.starts_with(kUser)) return number_of<uid_t>(std::string_view{word}.substr(kUser.size()));
  }
  return 0;
}

bool is_in(std::string_view path, std::string_view directory) {
  if (directory == "/") return true;
  return path.starts_with(directory) && (path.size() == directory.size() || path[directory.size()] == '/');
}

// A mount whose program has ended, or is stopped, can't be looked into, but is one.
std::filesystem::path real_path(const std::string& path, std::error_code& error) {
  const auto found = within(kPatience, [path] {
    std::error_code why;
    std::filesystem::path real = std::filesystem::canonical(path, why);
    return std::pair{std::move(real), why};
  });
  if (!found || found->second == std::errc::not_connected)
    return std::filesystem::absolute(path, error).lexically_normal();
  error = found->second;
  return found->first;
}

}  // namespace

std::vector<Mount> parse_mounts(std::string_view mountinfo) {
  std::vector<Mount> out;
  std::istringstream lines{std::string{mountinfo}};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words{line};
    std::string skipped, device, directory, word;
    words >> skipped >> skipped >> device >> skipped >> directory;
    while (words >> word && word != "-") {
    }
    std::string type, options;
    if (!(words >> type)) continue;
    words >> skipped >> options;
    out.push_back({unescaped(directory), type == kType, device_of(device), user_of(options)});
  }
  return out;
}

std::vector<Mount> list_mounts() {
  std::stringstream text;
  text << std::ifstream{"/proc/self/mountinfo"}.rdbuf();
  return parse_mounts(text.str());
}

bool is_end_of_mount(const Failure& why) {
  const int number = spot::to_errno(why.code);
  return number == ENETDOWN || number == ENOTCONN || number == ECONNABORTED;
}

Failure does_not_answer(const std::string& mount) {
  return {std::make_error_code(std::errc::timed_out),
          spot::printable(mount) + ": its program does not answer; see its log (journalctl -t spotfs), or take the " +
              "mount away with `umount -l`"};
}

Answer<Place> find_place(const std::vector<Mount>& mounts, const std::string& path) {
  const Mount* deepest = nullptr;
  for (const Mount& mount : mounts) {
    if (!is_in(path, mount.directory)) continue;
    if (deepest == nullptr || mount.directory.size() >= deepest->directory.size()) deepest = &mount;
  }
  if (deepest == nullptr || !deepest->is_spotfs)
    return Failure{Errc::not_found, spot::printable(path) + " is not in a mount of spotfs"};
  const std::size_t start = std::min(path.size(), deepest->directory.size() + 1);
  return Place{deepest->directory, path.substr(start)};
}

Answer<Place> find_place(const std::string& path) {
  const std::vector<Mount> mounts = list_mounts();
  std::error_code ec;
  if (!path.empty()) {
    std::filesystem::path real = real_path(path, ec);
    if (!real.has_filename()) real = real.parent_path();
    if (ec) return Failure{ec, spot::printable(path) + ": " + ec.message()};
    return find_place(mounts, real.string());
  }
  const std::filesystem::path here = std::filesystem::current_path(ec);
  if (!ec) {
    if (Answer<Place> place = find_place(mounts, here.string())) return place;
  }
  std::string names;
  const Mount* only = nullptr;
  std::size_t count = 0;
  for (const Mount& mount : mounts) {
    if (!mount.is_spotfs) continue;
    only = &mount;
    names.append(count++ == 0 ? "" : ", ").append(spot::printable(mount.directory));
  }
  if (count == 1) return Place{only->directory, {}};
  if (count == 0) return Failure{Errc::not_found, "there is no mount of spotfs"};
  return Failure{Errc::bad_argument, "there are several mounts, name one: " + names};
}

}  // namespace spotfs::ctl
