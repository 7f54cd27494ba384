#include "fs/tree/disk/open_content.hpp"

#include <algorithm>
#include <cerrno>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <unistd.h>

namespace spotfs::tree {
namespace {

constexpr std::uint64_t kFirstWindow = 4 * kChunkSize;
constexpr std::uint64_t kLargestWindow = 48 * kChunkSize;

asio::awaitable<void> want(std::shared_ptr<Draft> content, std::uint64_t offset, std::uint64_t size) {
  co_await content->want(offset, size);
}

}  // namespace

void OpenContent::renew() { content(); }

ContentFile::Content OpenContent::content() {
  return view_.with([&](ContentFile::View& view) {
    file_->renew(view);
    return view.content;
  });
}

void OpenContent::read_ahead(const ContentFile::Content& content, std::uint64_t offset, std::size_t size) {
  const auto [from, count] = ahead_.with([&](ReadAhead& ahead) -> std::pair<std::uint64_t, std::uint64_t> {
    const std::uint64_t end = offset + size;
    const bool goes_on = offset == ahead.next;
    ahead.next = end;
    if (!goes_on || offset == 0) {
      ahead.window = 0;
      ahead.wanted = end;
      return {0, 0};
    }
    ahead.window = std::clamp(ahead.window * 2, kFirstWindow, kLargestWindow);
    ahead.wanted = std::max(ahead.wanted, end);
    // In steps of half a window.
    if (ahead.wanted >= end + ahead.window / 2) return {0, 0};
    const std::uint64_t first = std::exchange(ahead.wanted, end + ahead.window);
    return {first, ahead.wanted - first};
  });
  if (count == 0 || from >= content->size()) return;
  asio::co_spawn(file_->disk().disk.executor, want(content, from, count), asio::detached);
}

std::optional<Content> OpenContent::read_now(std::uint64_t offset, std::size_t size) {
  const ContentFile::Content from = content();
  if (!from) return std::nullopt;
  std::optional<Bytes> bytes = from->read_now(offset, size);
  if (!bytes) return std::nullopt;
  read_ahead(from, offset, size);
  return Content{std::move(*bytes)};
}

asio::awaitable<Result<Content>> OpenContent::read(Caller, std::uint64_t offset, std::size_t size) {
  const ContentFile::Content from = content();
  if (!from) co_return fail(EBADF);
  read_ahead(from, offset, size);
  Answer<Bytes> bytes = co_await from->read(offset, size);
  if (!bytes) co_return file_->disk().of_content(bytes.error());
  co_return Content{std::move(*bytes)};
}

asio::awaitable<Result<std::size_t>> OpenContent::write(Caller, Write write) { return file_->write(std::move(write)); }

asio::awaitable<Result<void>> OpenContent::flush(Caller) {
  if (!writes_) co_return Result<void>{};
  co_return co_await file_->save_and_tell();
}

asio::awaitable<Result<void>> OpenContent::fsync(Caller, bool) {
  const Result<void> saved = co_await file_->save_and_tell();
  if (!saved) co_return saved.error();
  co_return co_await file_->sync();
}

asio::awaitable<void> OpenContent::release(Caller) {
  if (!writes_) co_return;
  file_.stop_writing();
  static_cast<void>(co_await file_->save());
}

asio::awaitable<Result<void>> OpenContent::allocate(Caller, int mode, std::uint64_t offset, std::uint64_t size) {
  return file_->allocate(mode, offset, size);
}

asio::awaitable<Result<std::uint64_t>> OpenContent::seek(Caller, std::uint64_t offset, int whence) {
  const ContentFile::Content from = content();
  if (!from) co_return fail(EBADF);
  const Answer<std::uint64_t> found = co_await from->seek(offset, whence == SEEK_HOLE);
  if (!found) co_return file_->disk().of_content(found.error());
  co_return *found;
}

asio::awaitable<Result<std::size_t>> OpenContent::copy_range(Caller, std::shared_ptr<OpenFile> from,
                                                             std::uint64_t from_offset, std::uint64_t offset,
                                                             std::size_t size) {
  const auto source = std::dynamic_pointer_cast<OpenContent>(from);
  if (!source || &source->file_->disk() != &file_->disk()) co_return fail(EOPNOTSUPP);
  co_return co_await file_->copy(source->file_.file(), from_offset, offset, size);
}

}  // namespace spotfs::tree
