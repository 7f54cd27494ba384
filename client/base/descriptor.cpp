#include "client/base/descriptor.hpp"

#include <cerrno>

namespace spot {
namespace {

template <class Write>
bool repeat(BytesView bytes, const Write& write) noexcept {
  while (!bytes.empty()) {
    const ssize_t written = write(bytes);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

bool write_all(int file, BytesView bytes) noexcept {
  return repeat(bytes, [&](BytesView left) { return ::write(file, left.data(), left.size()); });
}

bool write_all(int file, BytesView bytes, off_t at) noexcept {
  const off_t end = at + static_cast<off_t>(bytes.size());
  return repeat(bytes, [&](BytesView left) {
    return ::pwrite(file, left.data(), left.size(), end - static_cast<off_t>(left.size()));
  });
}

}  // namespace spot
