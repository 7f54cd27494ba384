// An open file of blobs/.
//
// Thread, lifetime: file.hpp of fs/tree.
#pragma once

#include "fs/tree/blobs/file.hpp"

namespace spotfs::tree {

class OpenBlob final : public OpenFile {
 public:
  OpenBlob(std::shared_ptr<BlobFile> file, bool writes) : file_{std::move(file), writes}, writes_{writes} {}

  // What is there now is what it was opened with.
  void renew();

  std::optional<Content> read_now(std::uint64_t offset, std::size_t size) override;
  asio::awaitable<Result<std::size_t>> write(Caller caller, Write write) override;
  asio::awaitable<Result<void>> flush(Caller caller) override;
  asio::awaitable<Result<void>> fsync(Caller caller, bool data_only) override;
  asio::awaitable<void> release(Caller caller) override;

 private:
  const BlobFile::Use file_;
  const bool writes_;
  spot::Synchronized<BlobFile::View> view_;  // held before the file's state
};

}  // namespace spotfs::tree
