#include "fs/fuse/device_io.hpp"

#include <array>
#include <cerrno>
#include <cstring>

#include <linux/fuse.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fs/fuse/core.hpp"

namespace spotfs::fuse {
namespace {

// Writes by `write(parts, count)`, the answer to INIT completed: it is the first thing that is written after INIT came.
template <class Write>
ssize_t write_answer(iovec* parts, int count, void* data, Write&& write) {
  auto& core = *static_cast<Core*>(data);
  constexpr std::size_t kHasFlags = offsetof(fuse_init_out, flags) + sizeof(fuse_init_out::flags);
  if (!core.parallel_directories.exchange(false) || count != 2 || parts[1].iov_len < kHasFlags ||
      parts[1].iov_len > sizeof(fuse_init_out)) {
    return write(parts, count);
  }
  fuse_init_out answer{};
  std::memcpy(&answer, parts[1].iov_base, parts[1].iov_len);
  answer.flags |= FUSE_PARALLEL_DIROPS;
  std::array<iovec, 2> completed{parts[0], iovec{&answer, parts[1].iov_len}};
  return write(completed.data(), 2);
}

ssize_t read_device(int fd, void* buffer, std::size_t size, void*) { return ::read(fd, buffer, size); }
ssize_t write_device(int fd, iovec* parts, int count, void* data) {
  return write_answer(parts, count, data, [fd](const iovec* some, int number) { return ::writev(fd, some, number); });
}

// A socket that ends is a kernel that has unmounted.
ssize_t read_socket(int fd, void* buffer, std::size_t size, void*) {
  const ssize_t got = ::read(fd, buffer, size);
  if (got != 0) return got;
  errno = ENODEV;
  return -1;
}
ssize_t write_socket(int fd, iovec* parts, int count, void* data) {
  return write_answer(parts, count, data, [fd](iovec* some, int number) {
    msghdr message{};
    message.msg_iov = some;
    message.msg_iovlen = static_cast<std::size_t>(number);
    return ::sendmsg(fd, &message, MSG_NOSIGNAL);
  });
}

}  // namespace

fuse_custom_io device_io() noexcept {
  fuse_custom_io io{};
  io.read = &read_device;
  io.writev = &write_device;
  return io;
}

fuse_custom_io socket_io() noexcept {
  fuse_custom_io io{};
  io.read = &read_socket;
  io.writev = &write_socket;
  return io;
}

}  // namespace spotfs::fuse
