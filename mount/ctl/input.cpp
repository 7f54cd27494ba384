#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/base/descriptor.hpp"
#include "client/base/encoding.hpp"
#include "mount/ctl/run.hpp"

namespace spotfs::ctl {

using spot::Answer;
using spot::BytesView;
using spot::Failure;

namespace {

Failure failure(const std::string& what) {
  const std::error_code code{errno, std::generic_category()};
  return {code, spot::printable(what) + ": " + code.message()};
}

// What has no size of its own is kept in a file without a name.
Answer<int> spool(int from, const std::string& name) {
  const char* const directory = std::getenv("TMPDIR");
  const int to = ::open(directory == nullptr ? "/tmp" : directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (to < 0) return failure("a file for " + name);
  std::array<char, 65'536> part{};
  for (;;) {
    const ssize_t size = ::read(from, part.data(), part.size());
    if (size < 0 && errno == EINTR) continue;
    const BytesView read =
        spot::view(std::string_view{part.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))});
    if (size < 0 || !spot::write_all(to, read)) {
      const Failure why = failure(size < 0 ? name : "a file for " + name);
      ::close(to);
      return why;
    }
    if (size == 0) break;
  }
  if (::lseek(to, 0, SEEK_SET) != 0) return failure(name);
  return to;
}

}  // namespace

Answer<std::string> read_standard_input(std::size_t most) {
  std::string all(most + 1, '\0');
  for (std::size_t size = 0;;) {
    const ssize_t part = ::read(STDIN_FILENO, all.data() + size, all.size() - size);
    if (part < 0 && errno == EINTR) continue;
    if (part < 0) return failure("standard input");
    size += static_cast<std::size_t>(part);
    if (part != 0 && size != all.size()) continue;
    all.resize(size);
    return all;
  }
}

Answer<Input> Input::open(const std::string& file) {
  const bool is_standard = file == "-";
  const std::string name = is_standard ? "standard input" : file;
  int descriptor = is_standard ? ::dup(STDIN_FILENO) : ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return failure(name);
  struct stat info {};
  if (::fstat(descriptor, &info) == 0 && S_ISREG(info.st_mode)) {
    const off_t at = ::lseek(descriptor, 0, SEEK_CUR);
    return Input{descriptor, static_cast<std::uint64_t>(info.st_size > at ? info.st_size - at : 0)};
  }
  const Answer<int> spooled = spool(descriptor, name);
  ::close(descriptor);
  if (!spooled) return spooled.error();
  if (::fstat(*spooled, &info) != 0) return failure(name);
  return Input{*spooled, static_cast<std::uint64_t>(info.st_size)};
}

Input::Input(Input&& other) noexcept : descriptor_{std::exchange(other.descriptor_, -1)}, size_{other.size_} {}

Input::~Input() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Answer<std::string> Input::read(std::size_t most) {
  std::string out(most, '\0');
  for (;;) {
    const ssize_t size = ::read(descriptor_, out.data(), out.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return failure("the input");
    out.resize(static_cast<std::size_t>(size));
    return out;
  }
}

Answer<std::string> Input::read_all() {
  std::string all;
  while (all.size() < size_) {
    const Answer<std::string> part = read(static_cast<std::size_t>(size_) - all.size());
    if (!part) return part.error();
    if (part->empty())
      return Failure{std::error_code{EIO, std::generic_category()}, "the input became shorter while it was read"};
    all += *part;
  }
  return all;
}

}  // namespace spotfs::ctl
