#include "fs/fuse/signals.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <cstdint>

#include <fcntl.h>
#include <unistd.h>

#include "client/base/descriptor.hpp"

namespace spotfs::fuse {
namespace {

constexpr std::uint64_t bit(int number) noexcept { return std::uint64_t{1} << static_cast<unsigned>(number - 1); }

// What does nothing where there is no handler: signal(7).
constexpr std::uint64_t kIgnoredByDefault = bit(SIGCHLD) | bit(SIGCONT) | bit(SIGURG) | bit(SIGWINCH);

std::uint64_t mask(std::string_view status, std::string_view name) noexcept {
  const std::size_t at = status.find(name);
  if (at == std::string_view::npos) return 0;
  const std::string_view digits = status.substr(at + name.size(), 16);
  std::uint64_t out = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), out, 16);
  return out;
}

}  // namespace

Signals signals_in(std::string_view status) noexcept {
  const std::uint64_t pending = mask(status, "\nSigPnd:\t") | mask(status, "\nShdPnd:\t");
  if ((pending & bit(SIGKILL)) != 0) return Signals::fatal;
  const std::uint64_t ignored =
      mask(status, "\nSigIgn:\t") | (kIgnoredByDefault & ~mask(status, "\nSigCgt:\t")) | mask(status, "\nSigBlk:\t");
  return (pending & ~ignored) != 0 ? Signals::pending : Signals::none;
}

std::optional<Signals> pending_signals(pid_t tid) noexcept {
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
  return signals_in({text.data(), static_cast<std::size_t>(size)});
}

}  // namespace spotfs::fuse
