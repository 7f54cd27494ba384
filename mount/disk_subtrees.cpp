#include "mount/disk_subtrees.hpp"

#include "fs/tree/files/files.hpp"

namespace spotfs::mount {

namespace {

using Flush = std::function<asio::awaitable<spot::Result<void>>()>;

asio::awaitable<spot::Result<void>> flush_both(Flush blobs, Flush files) {
  const spot::Result<void> first = co_await blobs();
  const spot::Result<void> second = co_await files();
  co_return first ? second : first;
}

}  // namespace

DiskSubtrees make_disk_subtrees(tree::BlobsOptions options, std::size_t memory, std::vector<tree::NamedNode> hidden) {
  options.dirty = std::make_shared<tree::DirtyContent>();
  const std::shared_ptr<Index> index = options.index;
  options.content = std::make_shared<ContentStore>(
      options.executor, options.store, std::shared_ptr<const ContentCipher>{index, &index->cipher()}, memory);
  const tree::FilesOptions files_options{options, std::move(hidden)};
  tree::Subtree blobs = tree::make_blobs(std::move(options));
  tree::Subtree files = tree::make_files(files_options);
  DiskSubtrees out;
  out.changed = [of_blobs = std::move(blobs.changed), of_files = std::move(files.changed)](const ChangeSet& changes) {
    of_blobs(changes);
    of_files(changes);
  };
  index->on_change(out.changed);
  out.flush = [of_blobs = std::move(blobs.flush), of_files = std::move(files.flush)] {
    return flush_both(of_blobs, of_files);
  };
  out.blobs = std::move(blobs.node);
  out.files = std::move(files.node);
  return out;
}

}  // namespace spotfs::mount
