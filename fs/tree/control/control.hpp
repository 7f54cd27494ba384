// .spotfs/: what the mount says of itself, and what it can be told.
//
//   status    JSON: who mounted what, the connections, the disk, its caches and its other writers; without the texts of
//             errors for other users
//   metrics   the same and more in figures, for Prometheus: a histogram of every operation of the kernel
//   errors    the last 100, a line each. The user's who mounted alone, as they have names
//   pending   what is written and not uploaded yet, a line of JSON each: all of it, then each value of blobs/; empty
//             where nothing is. The user's who mounted alone, as it has names
//   ctl       a private channel for each open: write one command in a line, then read lines of JSON until the end of
//             file; the last one is {"done":true} or {"error":"ENETDOWN","text":…}. Who only writes gets the outcome
//             from close: echo flush > .spotfs/ctl. The user's who mounted alone, but for `peers`
//
// Thread: any. Lifetime: the nodes keep the options; commands run on `executor`, which must run until the session that
// serves them has ended, and are cancelled when their file is closed.
// Errors: EBUSY for a second command while one runs, EINVAL for bytes that belong to none, EMSGSIZE for a line beyond
// 20 KiB. Source: filesystem.md.
#pragma once

#include <functional>

#include "client/base/histogram.hpp"
#include "client/client.hpp"
#include "fs/content/check.hpp"
#include "fs/index/index.hpp"
#include "fs/store/cache_directory.hpp"
#include "fs/tree/control/log_book.hpp"
#include "fs/tree/disk/disk.hpp"
#include "fs/tree/outgoing/room.hpp"
#include "fs/tree/query_timeouts.hpp"

namespace spotfs::tree {

// What the scrub that a mount does by itself has come to.
struct ScrubStatus {
  std::chrono::milliseconds period{};
  std::int64_t begun = 0, ended = 0;          // Unix seconds; 0: never; `ended`: of the last one that was whole
  std::uint64_t files = 0, of_files = 0;      // of the present one
  std::uint64_t faults = 0, last_faults = 0;  // names of files that are not whole: of the present one, of the last
  std::uint64_t restored = 0;                 // blobs that were stored again, by this mount
  std::string last_error;                     // why it can't go on; empty: it does
};
using ScrubProgress = spot::Synchronized<ScrubStatus>;

// The disk of a mount, as commands see it.
struct ControlledDisk {
  std::shared_ptr<Index> index;
  std::shared_ptr<BlobStore> store;       // past every cache
  std::shared_ptr<PendingStore> pending;  // null: nothing is kept back
  std::shared_ptr<const spot::Keychain> keys;
  NodePtr blobs;
  std::function<void(const ChangeSet&)> changed;         // tells both subtrees what was done to the index
  std::shared_ptr<KernelNotifier> notifier;              // of both; null: the kernel is not told
  std::function<asio::awaitable<Result<void>>()> flush;  // stores what both subtrees hold
  ContentChecker::Restore restore;                       // from a cache; none: there is none
  std::shared_ptr<ScrubProgress> scrub;                  // null: it is switched off
};

// An operation of the kernel.
struct OperationFigures {
  std::string_view name;
  std::uint64_t failures = 0;
  spot::Histogram::Figures took;
};
struct SessionFigures {
  std::vector<OperationFigures> operations;
  std::size_t waiting = 0, open_handles = 0, known_nodes = 0;
};

// What a mount has chosen, or was told.
struct Choices {
  std::string directory, identity, state, cache;  // paths; no cache: empty
  std::chrono::milliseconds timeout{}, query_timeout{}, commit{}, refresh{}, drain{};
  bool writeback = false, read_only = false, require_binding = false;
};

struct ControlOptions {
  asio::any_io_executor executor;
  Access access;
  // A group that may ask peers by ctl, as it may by endpoints/, and nothing else.
  std::optional<gid_t> peers;
  std::string source;
  Choices choices;
  std::shared_ptr<spot::Client> client;
  std::shared_ptr<LogBook> book = std::make_shared<LogBook>();
  std::function<SessionFigures()> session;                      // none: not known
  std::function<void(spot::LogLevel)> set_log_level;            // none: it stays
  std::function<std::optional<std::uint64_t>()> journal_bytes;  // on this machine; none, or gives none: not known
  // Null while a mount that began without a connection has none.
  std::function<std::shared_ptr<const ControlledDisk>()> disk;
  std::function<std::optional<CacheFigures>()> cache;  // none, or gives none: there is no disk cache
  bool only_files = false;                             // files/ is the root
  std::shared_ptr<QueryTimeouts> timeouts = std::make_shared<QueryTimeouts>();
  const spot::Clock* clock = &spot::Clock::system();

  // Errors: offline.
  spot::Answer<std::shared_ptr<const ControlledDisk>> get_disk() const;
};

NodePtr make_control(ControlOptions options);

}  // namespace spotfs::tree
