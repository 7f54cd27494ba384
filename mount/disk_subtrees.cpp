#include "mount/disk_subtrees.hpp"

#include "fs/tree/files/files.hpp"

namespace spotfs::mount {

DiskSubtrees make_disk_subtrees(tree::BlobsOptions options, std::size_t memory) {
  options.dirty = std::make_shared<tree::DirtyContent>();
  tree::FilesOptions files_options;
  static_cast<tree::DiskOptions&>(files_options) = options;
  const std::shared_ptr<Index> index = options.index;
  files_options.content = std::make_shared<ContentStore>(
      options.executor, options.store, std::shared_ptr<const ContentCipher>{index, &index->cipher()}, memory);
  tree::Subtree blobs = tree::make_blobs(std::move(options));
  tree::Subtree files = tree::make_files(files_options);
  index->on_change(
      [of_blobs = std::move(blobs.changed), of_files = std::move(files.changed)](const ChangeSet& changes) {
        of_blobs(changes);
        of_files(changes);
      });
  return {std::move(blobs.node), std::move(files.node)};
}

}  // namespace spotfs::mount
