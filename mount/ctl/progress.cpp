#include "mount/ctl/progress.hpp"

#include <algorithm>
#include <cstdio>

#include <sys/ioctl.h>
#include <unistd.h>

namespace spotfs::ctl {
namespace {

constexpr std::size_t kCells = 30, kUsual = 80;

std::size_t columns() {
  winsize size{};
  const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col != 0;
  return (known ? size.ws_col : kUsual) - 1;
}

}  // namespace

std::string bar(std::uint64_t done, std::uint64_t all, const std::string& text, std::size_t columns) {
  const double part = all == 0 ? 1.0 : std::min(1.0, static_cast<double>(done) / static_cast<double>(all));
  const auto cells = static_cast<std::size_t>(part * kCells);
  std::string out = "[" + std::string(cells, '#') + std::string(kCells - cells, '.') + "] ";
  std::string percent = std::to_string(static_cast<int>(part * 100));
  out += std::string(3 - std::min<std::size_t>(3, percent.size()), ' ') + percent + " %  " + text;
  return out.substr(0, columns);
}

Progress::Progress(When when)
    : shows_{when == When::always || (when == When::automatic && ::isatty(STDERR_FILENO) == 1)} {}

void Progress::show(std::uint64_t done, std::uint64_t all, const std::string& text) {
  if (!shows_) return;
  std::string line = bar(done, all, text, columns());
  const std::size_t width = std::exchange(width_, line.size());
  if (line.size() < width) line.append(width - line.size(), ' ');
  std::fprintf(stderr, "\r%s", line.c_str());
  std::fflush(stderr);
}

void Progress::hide() {
  if (width_ == 0) return;
  std::fprintf(stderr, "\r%*s\r", static_cast<int>(std::exchange(width_, 0)), "");
  std::fflush(stderr);
}

}  // namespace spotfs::ctl
