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

bool same_stem(std::string_view was, std::string_view name) noexcept {
  const std::string_view stem = was.substr(0, was.find(kMark));
  const std::string_view base = name.substr(0, name.find(kMark));
  return base == stem || base == cut_name(stem, kMaxName - (name.size() - base.size()));
}

std::string lost_name(const InodeId& inode) { return '#' + to_text(inode); }

}  // namespace spotfs
