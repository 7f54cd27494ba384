#include "fs/tree/outgoing/thread_group.hpp"

#include <charconv>
#include <fstream>
#include <string>

namespace spotfs::tree {

std::optional<pid_t> thread_group_of(pid_t tid) {
  constexpr std::string_view kField = "Tgid:";
  if (tid <= 0) return std::nullopt;
  std::ifstream status{"/proc/" + std::to_string(tid) + "/status"};
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with(kField)) continue;
    const std::size_t start = line.find_first_not_of(" \t", kField.size());
    if (start == line.npos) return std::nullopt;
    pid_t group = 0;
    const auto [end, wrong] = std::from_chars(line.data() + start, line.data() + line.size(), group);
    if (wrong != std::errc{} || group <= 0) return std::nullopt;
    return group;
  }
  return std::nullopt;
}

}  // namespace spotfs::tree
