// A regular file of files/: what its draft becomes is stored as chunks, and the index names it.
//
// Thread, lifetime: node.hpp. Errors: files.hpp.
#pragma once

#include "fs/tree/disk/content_file.hpp"
#include "fs/tree/files/tree.hpp"

namespace spotfs::tree {

class RegularFile final : public NodeOf<FilesTree, ContentFile> {
 public:
  using NodeOf::NodeOf;

  Attributes shown(const InodePtr& inode) override;
  // Whole chunks are shared: the index is told so of both files before they are.
  asio::awaitable<Result<std::size_t>> copy(std::shared_ptr<ContentFile> source, std::uint64_t from_offset,
                                            std::uint64_t offset, std::uint64_t size) override;
  // The last name is gone by an act of this mount: who has it open goes on, nothing is saved any more.
  asio::awaitable<void> detach();

 private:
  // What a content takes on the store.
  struct Stored {
    BlobId root;
    std::uint64_t size, bytes;
  };

  asio::awaitable<Result<Content>> current(bool emptied) override;
  asio::awaitable<Result<void>> store_edit() override;
  Content original(const State& state) override;
  void say_dropped(std::error_code why) override;

  asio::awaitable<Result<std::optional<Reference>>> saved_for_sharing();
  std::uint64_t stored(const Reference& reference);
  asio::awaitable<void> stay_gone(Stamp written);
  asio::awaitable<Result<void>> own_what_may_go(Content content);

  // Under the state's lock.
  Version version_;                      // of the index, that the content's base is
  bool version_known_ = false;           // `version_` is one
  bool shares_ = false;                  // other inodes may name its chunks: the next save says so
  std::optional<Stored> stored_;         // of the content that was last looked at
  std::optional<Clock::Steady> copied_;  // since when there are chunks of other files in it that no operation names
};

}  // namespace spotfs::tree
