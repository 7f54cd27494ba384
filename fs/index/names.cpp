#include "fs/index/names.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "fs/index/inode.hpp"

namespace spotfs {

namespace {

constexpr std::string_view kMark = ".conflict-";

std::string utc_text(const InodeId& id) {
  const std::chrono::sys_seconds time{std::chrono::seconds{id.milliseconds() / 1000}};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{time - day};
  char out[64];
  std::snprintf(out, sizeof out, "%04d%02u%02uT%02d%02d%02dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return out;
}

}  // namespace

std::string_view cut_name(std::string_view name, std::size_t size) noexcept {
  if (name.size() <= size) return name;
  const std::size_t least = size - std::min<std::size_t>(size, 3);
  std::size_t end = size;
  while (end > least && (static_cast<unsigned char>(name[end]) & 0xC0) == 0x80) --end;
  return name.substr(0, end);
}

std::string conflict_name(std::string_view name, const InodeId& inode, unsigned number) {
  std::string tail{kMark};
  tail += utc_text(inode);
  tail += '-';
  tail += to_text(inode).substr(20);
  if (number > 1) tail += '.' + std::to_string(number);
  return std::string{cut_name(name, kMaxName - tail.size())} + tail;
}

std::optional<std::string_view> conflict_stem(std::string_view name) noexcept {
  // 0: a digit, f: a hex digit, all else itself.
  constexpr std::string_view kShape = "00000000T000000Z-ffff";
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const std::size_t mark = name.rfind(kMark);
  if (mark == name.npos || mark == 0) return std::nullopt;
  std::string_view tail = name.substr(mark + kMark.size());
  if (tail.size() < kShape.size()) return std::nullopt;
  for (std::size_t i = 0; i < kShape.size(); ++i) {
    const char c = tail[i];
    const bool fits = kShape[i] == '0'   ? is_digit(c)
                      : kShape[i] == 'f' ? is_digit(c) || (c >= 'a' && c <= 'f')
                                         : c == kShape[i];
    if (!fits) return std::nullopt;
  }
  tail.remove_prefix(kShape.size());
  const bool is_numbered = tail.size() > 1 && tail[0] == '.' && std::ranges::all_of(tail.substr(1), is_digit);
  if (!tail.empty() && !is_numbered) return std::nullopt;
  return name.substr(0, mark);
}

bool same_stem(std::string_view was, std::string_view name) noexcept {
  const std::string_view stem = was.substr(0, was.find(kMark));
  const std::string_view base = name.substr(0, name.find(kMark));
  return base == stem || base == cut_name(stem, kMaxName - (name.size() - base.size()));
}

std::string lost_name(const InodeId& inode) { return '#' + to_text(inode); }

}  // namespace spotfs
