#include "fs/tree/file.hpp"

#include <algorithm>
#include <cerrno>

namespace spotfs::tree {

Content Content::part(std::uint64_t offset, std::size_t size) const {
  if (offset >= view_.size()) return {};
  const auto start = static_cast<std::size_t>(offset);
  return {view_.subspan(start, std::min(size, view_.size() - start)), owner_};
}

OpenFile::~OpenFile() = default;

std::optional<Content> OpenFile::read_now(std::uint64_t, std::size_t) { return std::nullopt; }
asio::awaitable<Result<Content>> OpenFile::read(Caller, std::uint64_t offset, std::size_t size) {
  if (auto now = read_now(offset, size)) co_return *std::move(now);
  co_return fail(EINVAL);
}
asio::awaitable<Result<std::size_t>> OpenFile::write(Caller, Write) { co_return fail(EBADF); }
asio::awaitable<Result<void>> OpenFile::flush(Caller) { co_return Result<void>{}; }
asio::awaitable<Result<void>> OpenFile::fsync(Caller, bool) { co_return Result<void>{}; }
asio::awaitable<void> OpenFile::release(Caller) { co_return; }
asio::awaitable<Result<void>> OpenFile::allocate(Caller, int, std::uint64_t, std::uint64_t) {
  co_return fail(EOPNOTSUPP);
}
asio::awaitable<Result<std::uint64_t>> OpenFile::seek(Caller, std::uint64_t, int) { co_return fail(EOPNOTSUPP); }
asio::awaitable<Result<std::size_t>> OpenFile::copy_range(Caller, std::shared_ptr<OpenFile>, std::uint64_t,
                                                          std::uint64_t, std::size_t) {
  co_return fail(EOPNOTSUPP);
}
asio::awaitable<Result<unsigned>> OpenFile::poll(Caller, std::unique_ptr<Poller>) {
  co_return static_cast<unsigned>(POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM);
}

}  // namespace spotfs::tree
