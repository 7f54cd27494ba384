#include "fs/fuse/dying.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <string>

#include <fcntl.h>
#include <unistd.h>

#include "client/base/descriptor.hpp"

namespace spotfs::fuse {

bool has_fatal_signal(std::string_view status) noexcept {
  constexpr std::uint64_t kKill = std::uint64_t{1} << (SIGKILL - 1);
  for (const std::string_view name : {"\nSigPnd:\t", "\nShdPnd:\t"}) {
    const std::size_t at = status.find(name);
    if (at == std::string_view::npos) continue;
    const std::string_view digits = status.substr(at + name.size(), 16);
    std::uint64_t pending = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), pending, 16);
    if ((pending & kKill) != 0) return true;
  }
  return false;
}

std::optional<bool> is_killed(pid_t tid) noexcept {
  if (tid == 0) return std::nullopt;
  std::array<char, 32> path{};
  constexpr std::string_view before = "/proc/", after = "/status";
  char* end = std::copy(before.begin(), before.end(), path.data());
  end = std::to_chars(end, path.data() + path.size() - after.size() - 1, tid).ptr;
  std::copy(after.begin(), after.end(), end);
  const spot::Descriptor file{::open(path.data(), O_RDONLY | O_CLOEXEC)};
  if (!file) return std::nullopt;
  std::array<char, 16'384> text{};  // the groups come first
  const ssize_t size = ::read(file.get(), text.data(), text.size());
  if (size <= 0) return std::nullopt;
  return has_fatal_signal({text.data(), static_cast<std::size_t>(size)});
}

bool is_dying(pid_t tid) noexcept { return is_killed(tid).value_or(true); }

}  // namespace spotfs::fuse
