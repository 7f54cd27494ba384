#include "fs/tree/outgoing/thread.hpp"

#include <charconv>
#include <fstream>
#include <string>

namespace spotfs::tree {
namespace {

// Of a line "<field>: <number>".
std::optional<pid_t> number_in(const std::string& line, std::string_view field) {
  if (!line.starts_with(field)) return std::nullopt;
  const std::size_t start = line.find_first_not_of(" \t", field.size());
  if (start == line.npos) return std::nullopt;
  pid_t number = 0;
  const auto [end, wrong] = std::from_chars(line.data() + start, line.data() + line.size(), number);
  return wrong == std::errc{} ? std::optional{number} : std::nullopt;
}

}  // namespace

std::optional<Thread> find_thread(pid_t tid) {
  if (tid <= 0) return std::nullopt;
  Thread out;
  std::ifstream status{"/proc/" + std::to_string(tid) + "/status"};
  for (std::string line; std::getline(status, line);) {
    if (const auto group = number_in(line, "Tgid:")) out.group = *group;
    // Only a thread that exits has no table of files.
    if (const auto size = number_in(line, "FDSize:")) {
      out.is_exiting = *size == 0;
      break;
    }
  }
  return out.group > 0 ? std::optional{out} : std::nullopt;
}

}  // namespace spotfs::tree
