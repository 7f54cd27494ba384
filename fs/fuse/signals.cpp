#include "fs/fuse/signals.hpp"

#include <csignal>
#include <cstdint>

#include "fs/tree/thread_status.hpp"

namespace spotfs::fuse {
namespace {

constexpr std::uint64_t bit(int number) noexcept { return std::uint64_t{1} << static_cast<unsigned>(number - 1); }

// What does nothing where there is no handler: signal(7).
constexpr std::uint64_t kIgnoredByDefault = bit(SIGCHLD) | bit(SIGCONT) | bit(SIGURG) | bit(SIGWINCH);

std::uint64_t mask(std::string_view status, std::string_view name) noexcept {
  return tree::number_in(status, name, 16).value_or(0);
}

}  // namespace

Signals signals_in(std::string_view status) noexcept {
  const std::uint64_t pending = mask(status, "SigPnd") | mask(status, "ShdPnd");
  if ((pending & bit(SIGKILL)) != 0) return Signals::fatal;
  const std::uint64_t ignored =
      mask(status, "SigIgn") | (kIgnoredByDefault & ~mask(status, "SigCgt")) | mask(status, "SigBlk");
  return (pending & ~ignored) != 0 ? Signals::pending : Signals::none;
}

std::optional<Signals> pending_signals(pid_t tid) noexcept {
  const auto status = tree::thread_status(tid);
  return status ? std::optional{signals_in(status->text())} : std::nullopt;
}

}  // namespace spotfs::fuse
