#include "fs/tree/blobs/open_file.hpp"

namespace spotfs::tree {

void OpenBlob::renew() {
  view_.with([&](BlobFile::View& view) { file_->renew(view); });
}

std::optional<Content> OpenBlob::read_now(std::uint64_t offset, std::size_t size) {
  const Text content = view_.with([&](BlobFile::View& view) {
    file_->renew(view);
    return view.content;
  });
  return content ? Content{content}.part(offset, size) : Content{};
}

asio::awaitable<Result<std::size_t>> OpenBlob::write(Caller, Write write) { return file_->write(std::move(write)); }

asio::awaitable<Result<void>> OpenBlob::flush(Caller) {
  if (!writes_) co_return Result<void>{};
  co_return co_await file_->save();
}

asio::awaitable<Result<void>> OpenBlob::fsync(Caller, bool) {
  const Result<void> saved = co_await file_->save();
  if (!saved) co_return saved.error();
  co_return co_await file_->sync();
}

asio::awaitable<void> OpenBlob::release(Caller) {
  if (writes_) co_await file_->save_or_drop();
}

}  // namespace spotfs::tree
