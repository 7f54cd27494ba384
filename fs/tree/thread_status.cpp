#include "fs/tree/thread_status.hpp"

#include <algorithm>
#include <charconv>

#include <fcntl.h>
#include <unistd.h>

#include "client/base/descriptor.hpp"

namespace spotfs::tree {

std::optional<ThreadStatus> thread_status(pid_t tid) noexcept {
  if (tid <= 0) return std::nullopt;
  std::array<char, 32> path{};
  constexpr std::string_view before = "/proc/", after = "/status";
  char* end = std::copy(before.begin(), before.end(), path.data());
  end = std::to_chars(end, path.data() + path.size() - after.size() - 1, tid).ptr;
  std::copy(after.begin(), after.end(), end);
  const spot::Descriptor file{::open(path.data(), O_RDONLY | O_CLOEXEC)};
  if (!file) return std::nullopt;
  ThreadStatus out{};
  const ssize_t size = ::read(file.get(), out.bytes.data(), out.bytes.size());
  if (size <= 0) return std::nullopt;
  out.size = static_cast<std::size_t>(size);
  return out;
}

std::optional<std::uint64_t> number_in(std::string_view status, std::string_view field, int base) noexcept {
  for (std::size_t at = status.find(field); at != status.npos; at = status.find(field, at + 1)) {
    const std::string_view rest = status.substr(at + field.size());
    if (at == 0 || status[at - 1] != '\n' || !rest.starts_with(":\t")) continue;
    std::uint64_t number = 0;
    const auto [end, wrong] = std::from_chars(rest.data() + 2, rest.data() + rest.size(), number, base);
    return wrong == std::errc{} ? std::optional{number} : std::nullopt;
  }
  return std::nullopt;
}

}  // namespace spotfs::tree
