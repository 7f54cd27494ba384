// An open file of files/ or blobs/.
//
// A reader who goes on where it stopped finds the next chunks on their way.
//
// Thread, lifetime: file.hpp of fs/tree.
#pragma once

#include "fs/tree/disk/content_file.hpp"

namespace spotfs::tree {

class OpenContent final : public OpenFile {
 public:
  OpenContent(std::shared_ptr<ContentFile> file, bool writes) : file_{std::move(file), writes}, writes_{writes} {}

  // What is there now is what it was opened with.
  void renew();

  asio::awaitable<Result<Content>> read(Caller caller, std::uint64_t offset, std::size_t size) override;
  std::optional<Content> read_now(std::uint64_t offset, std::size_t size) override;
  asio::awaitable<Result<std::size_t>> write(Caller caller, Write write) override;
  asio::awaitable<Result<void>> flush(Caller caller) override;
  asio::awaitable<Result<void>> fsync(Caller caller, bool data_only) override;
  asio::awaitable<void> release(Caller caller) override;
  asio::awaitable<Result<void>> allocate(Caller caller, int mode, std::uint64_t offset, std::uint64_t size) override;
  asio::awaitable<Result<std::uint64_t>> seek(Caller caller, std::uint64_t offset, int whence) override;
  asio::awaitable<Result<std::size_t>> copy_range(Caller caller, std::shared_ptr<OpenFile> from,
                                                  std::uint64_t from_offset, std::uint64_t offset,
                                                  std::size_t size) override;

 private:
  struct ReadAhead {
    std::uint64_t next = 0;    // where a sequential reader goes on
    std::uint64_t wanted = 0;  // how far chunks are on their way
    std::uint64_t window = 0;  // bytes
  };

  ContentFile::Content content();
  void read_ahead(const ContentFile::Content& content, std::uint64_t offset, std::size_t size);

  ContentFile::Use file_;
  const bool writes_;
  spot::Synchronized<ContentFile::View> view_;  // held before the file's state
  spot::Synchronized<ReadAhead> ahead_;
};

}  // namespace spotfs::tree
