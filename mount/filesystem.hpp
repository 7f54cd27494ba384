// One mount with all that is behind it: keys, relay, client, store, index, tree, session. Built upwards, ended
// downwards.
//
//   Loop loop{threads};
//   Filesystem filesystem{loop, options, directory, log};
//   if (const auto opened = filesystem.open(); opened) filesystem.wait();
//   filesystem.close();
//   loop.end(…);                                     // and only then are they destroyed
//
// Thread: stop() on any; all else on one thread that does not run the loop. Lifetime: within the loop's, as above.
// Errors: open() gives one line for the user, and leaves what was made to close().
#pragma once

#include <atomic>
#include <limits>
#include <mutex>

#include "client/base/sync.hpp"
#include "fs/fuse/session.hpp"
#include "fs/index/index.hpp"
#include "fs/store/durable.hpp"
#include "fs/store/pending_store.hpp"
#include "fs/store/remote.hpp"
#include "fs/tree/control/control.hpp"
#include "fs/tree/outgoing/room.hpp"
#include "mount/cached_store.hpp"
#include "mount/disk_subtrees.hpp"
#include "mount/embedded_relay.hpp"
#include "mount/late_root.hpp"
#include "mount/loop.hpp"

namespace spotfs::mount {

class Filesystem {
 public:
  // `directory`: where to mount, as prepare_mount_point() gives it.
  Filesystem(Loop& loop, const Options& options, std::string directory, spot::Log log);
  ~Filesystem();
  Filesystem(const Filesystem&) = delete;
  Filesystem& operator=(const Filesystem&) = delete;

  // Within mount_timeout.
  spot::Answer<void> open();
  // Until the mount ends: by umount, or stop().
  void wait();
  void stop();
  // Stores and sends what is left, for at most `drain`, and ends every part.
  void close();

 private:
  spot::Answer<void> load_keys();
  spot::Answer<void> start_client();
  spot::Answer<void> connect();
  spot::Answer<void> open_index();
  spot::Answer<void> mount();

  std::shared_ptr<BlobStore> durable_store();
  IndexOptions index_options();
  void make_pending();
  bool works_offline() const;
  tree::NodePtr make_root();
  std::vector<tree::NamedNode> make_early_subtrees();
  std::vector<tree::NamedNode> make_late_subtrees();
  DiskSubtrees make_disk();
  tree::NodePtr make_listen() const;
  tree::NamedNode make_control();
  tree::Choices choices() const;
  tree::SessionFigures session_figures();
  tree::Access access() const;
  uid_t owner() const;  // of what has no owner of its own
  gid_t group() const;
  tree::SpaceFunction space() const;

  // With delay_connect: goes on until the index is open, or never will be.
  static asio::awaitable<spot::Answer<void>> open_late(Filesystem* self, std::shared_ptr<LateRoot> root);
  void begin_late(std::shared_ptr<LateRoot> root);
  void end_late();
  void begin_scrub();
  void end_scrub();

  milliseconds time_left() const;
  bool can_begin_offline() const;
  bool is_hopeless() const;
  std::string why_offline() const;
  void client_says(spot::LogLevel level, std::string text);
  void say(spot::LogLevel level, const std::string& text) const { log_(level, text); }

  Loop& loop_;
  const Options options_;
  const std::string directory_;
  const std::shared_ptr<tree::LogBook> book_ = std::make_shared<tree::LogBook>();
  const spot::Log log_;  // to the book, too
  const std::chrono::steady_clock::time_point deadline_;

  std::shared_ptr<const spot::Keychain> keys_;
  std::optional<EmbeddedRelay> relay_;
  std::shared_ptr<spot::Client> client_;
  CachedStore cached_;
  std::shared_ptr<BlobStore> remote_;
  std::shared_ptr<BlobStore> kept_;        // with copies on this machine
  std::shared_ptr<PendingStore> pending_;  // before it; null: an embedded relay is on this machine
  std::shared_ptr<BlobStore> store_;       // what blobs/ and files/ are stored in
  std::shared_ptr<Index> index_;
  const std::shared_ptr<Notifier> notifier_ = Notifier::make();
  std::uint64_t pending_event_ = 0;  // of the client
  std::unique_ptr<Loop::Task> late_, scrub_;

  bool tried_offline_ = false;
  // What .spotfs/ has of the disk, while it is there.
  using Controlled = spot::Synchronized<std::shared_ptr<const tree::ControlledDisk>>;
  const std::shared_ptr<Controlled> controlled_ = std::make_shared<Controlled>();

  std::atomic<bool> connecting_{false};
  const std::shared_ptr<tree::QueryTimeouts> timeouts_ = std::make_shared<tree::QueryTimeouts>(options_.query_timeout);
  // Of the messages without an answer that are on their way: the end waits for them.
  const std::shared_ptr<tree::Room> sending_ = std::make_shared<tree::Room>(std::numeric_limits<std::size_t>::max());
  spot::Synchronized<std::string> last_warning_;  // of the client
  std::mutex mutex_;
  std::unique_ptr<Session> session_;  // under mutex_ while others know of it
  bool stopping_ = false;             // under mutex_
};

}  // namespace spotfs::mount
