// What the subtrees of a disk, files/ and blobs/, have in common.
//
// Thread: any. Lifetime: the nodes keep the index and the notifier; `executor` must run until the session that serves
// them has ended. What must go on when its caller is interrupted (a store that has begun, and what follows from it)
// runs there.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "client/base/clock.hpp"
#include "client/base/sync.hpp"
#include "fs/content/content_store.hpp"
#include "fs/index/index.hpp"
#include "fs/tree/disk/dirty_content.hpp"
#include "fs/tree/fixed_directory.hpp"
#include "fs/tree/node_table.hpp"
#include "fs/tree/notifier.hpp"

namespace spotfs::tree {

struct DiskOptions {
  std::shared_ptr<Index> index;              // required
  std::shared_ptr<ContentStore> content;     // required
  asio::any_io_executor executor;            // required
  std::shared_ptr<KernelNotifier> notifier;  // none: the kernel is not told (tests)
  std::shared_ptr<DirtyContent> dirty;       // of the mount; none: of this subtree alone
  Access access;
  bool only_writer = false;                  // as the index's: what is cached stays right
  std::chrono::milliseconds refresh{1'000};  // how long what is cached, by us or the kernel, counts as new
  SpaceFunction space;                       // none: zeros
  const spot::Clock* clock = &spot::Clock::system();
  std::function<void(std::string)> log;  // one line that a person should read; any thread
};

// A subtree, shared by its nodes.
class DiskTree {
 public:
  explicit DiskTree(const DiskOptions& options)
      : disk{options}, dirty{options.dirty ? options.dirty : std::make_shared<DirtyContent>()} {}
  DiskTree(const DiskTree&) = delete;
  DiskTree& operator=(const DiskTree&) = delete;
  virtual ~DiskTree() = default;

  const DiskOptions disk;
  const std::shared_ptr<DirtyContent> dirty;
  NodeTable<InodeId> nodes;

  // The errno of a content that could not be read or stored. A name that is there has a content: what is missing of it
  // is the relay's doing, and no missing name. What is not as it was stored is told.
  std::error_code of_content(const spot::Failure& failure) const;

  // How long the kernel may rely on names and attributes.
  std::chrono::milliseconds timeout() const noexcept { return disk.only_writer ? kLongTimeout : disk.refresh; }

 private:
  mutable spot::Synchronized<std::string> last_told_;  // so that a reader that tries again fills no log
};

// A subtree as a mount has it.
struct Subtree {
  NodePtr node;
  // For Index::on_change: what other writers did.
  std::function<void(const ChangeSet&)> changed;
  // Stores what files hold that is not stored, also of open ones. The first error; the others are stored all the same.
  std::function<asio::awaitable<Result<void>>()> flush;
};

}  // namespace spotfs::tree
