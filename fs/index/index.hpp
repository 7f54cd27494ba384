// The disk of an identity in a store: its directories and inodes, as the logs of all writers say.
//
// Every change becomes an operation: it gets a stamp, is written to the journal on this machine, and is applied, all
// before its call returns. It reaches the store with the next commit, within options.commit; a kill of the program
// loses nothing that returned, a power cut nothing that commit() and sync() returned for. Where contents are kept back
// for a later upload (IndexOptions::pending), a commit waits until those that it names are uploaded, and a power cut
// loses nothing that a write returned for. What other writers commit is
// applied by a refresh, within options.refresh, and may change any name or inode between two calls: so each operation
// checks what it needs against the present state, atomically.
//
// Waiting: reads and changes are coroutines: nodes of the snapshot are read when what they have is asked for. They run
// inline in their caller up to the first wait, and what is in memory needs none. lookup_now() and inode_now() answer
// from memory without a coroutine; operation_would_block: use the coroutine.
//
// Thread: any. Coroutines run on their caller's executor and honour its cancellation; a commit that has begun goes on.
// Lifetime: open() starts a loop on `executor`, which keeps the index alive until close() or until its executor is
// destroyed. close() commits, stops the loop and gives up the state directory; after it every change is
// Errc::stopping. To drop an index without close() is what a kill is.
// Errors: POSIX ones as std::errc (no_such_file_or_directory, file_exists, not_a_directory, is_a_directory,
// directory_not_empty, invalid_argument, filename_too_long, operation_would_block; ESTALE for an inode that
// is gone); storage_failed where the journal fails; those of the store (EREMOTEIO, EBADMSG: a node can't be had).
// Source: files.md.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

#include "client/base/failure.hpp"
#include "client/crypto/keychain.hpp"
#include "fs/content/seal.hpp"
#include "fs/index/digest.hpp"
#include "fs/index/entry.hpp"
#include "fs/index/node_sizes.hpp"
#include "fs/index/scrub_mark.hpp"
#include "fs/store/alarm.hpp"
#include "fs/store/blob_store.hpp"
#include "fs/store/pending_store.hpp"

namespace spotfs {

using Notice = std::function<void(std::string)>;  // one line that a person should read

struct IndexOptions {
  std::shared_ptr<BlobStore> store;                  // required
  std::shared_ptr<BlobStore> origin;                 // `store` past the copies of this machine; none: it has none
  std::shared_ptr<PendingStore> pending;             // keeps back what others store in `store`; none: nothing does
  std::shared_ptr<const spot::Keychain> keys;        // required
  std::filesystem::path state;                       // required: the directory that holds all state directories
  std::string source;                                // as it was given to mount: tells whether its store has changed
  std::string host = "localhost";                    // told to the other writers
  std::uint32_t uid = 0, gid = 0;                    // of the three fixed directories until a set says otherwise
  bool only_writer = false;                          // `embedded:` without `listen`: nobody else can reach the store
  bool accept_store = false;                         // takes a store whose id has changed, or that has lost too much
  std::optional<Digest> expect;                      // rollback where the store shows less than that at first
  bool conflicts_last = false;                       // of a store that this mount makes
  bool open_offline = false;                         // goes on with what is kept here where nobody can be reached
  std::chrono::milliseconds commit{1'000};           // how long a change may stay uncommitted
  std::chrono::milliseconds refresh{1'000};          // how often other writers are looked at
  std::size_t snapshot_after = 20'000;               // operations, or a tenth of the inodes if that is more
  NodeSizes snapshot_nodes;                          // of the snapshots that it makes
  std::chrono::milliseconds wait_for_drain{60'000};  // for a mount of the same state directory that is ending
  std::string machine_id;                            // empty: that of this machine
  const Clock* clock = &Clock::system();
  AlarmFactory alarm = make_alarm;
  Notice notice;  // none: not told
};

struct WriterStatus {
  WriterId id{};
  std::string host;
  std::uint64_t counter = 0;
  Stamp head;                // stamp of its newest head
  bool rolled_back = false;  // the store shows an older head than was seen, or none
  bool log_lost = false;     // its newest log can't be had: not all that it did is shown
};

struct IndexStatus {
  BlobId store{};
  WriterId writer{};
  std::uint64_t counter = 0;     // of this writer's newest head that is known to be in the store; 0: none is
  std::uint64_t operations = 0;  // that no snapshot includes
  std::uint64_t uncommitted = 0;
  std::uint64_t trash = 0;     // contents and blobs that wait to be deleted
  std::uint64_t snapshot = 0;  // generation of the one that counts; 0: none
  bool registered = false;
  std::string last_error;  // of the last commit or refresh; empty after a success
  std::vector<WriterStatus> others;
};

// Something of the logs or the snapshot that can't be had: whoever mounts anew would not know what is in it.
struct LogFault {
  std::optional<WriterId> writer;  // whose; none: of all, or of the snapshot
  std::string key;
  std::error_code why;       // missing or damaged
  bool is_restored = false;  // it is stored again, at the latest by the next commit
};

struct Swept {
  std::uint64_t blobs = 0;  // that were deleted
  std::uint64_t left = 0;  // contents and blobs in the trash: younger than a day, open, or named by a log or a snapshot
};

enum class Existing { replace, keep };  // what a move does where its new name is taken

class Index {
 public:
  // Reads the store's id, or makes it; takes a state directory; reads the logs of all writers; commits what this and
  // dead mounts of this machine left uncommitted. Failure.text is one line for the user.
  // With open_offline, and nobody to be reached, the disk is the one that this machine has seen last, where all of that
  // can be had from the journal and the store's copies.
  static asio::awaitable<spot::Answer<std::shared_ptr<Index>>> open(asio::any_io_executor executor,
                                                                    IndexOptions options);
  virtual ~Index() = default;

  // --- Reads ---------------------------------------------------------------------------------------------------------
  // `directory` may be an alias. no_such_file_or_directory: no such name, or the directory is gone; not_a_directory.
  virtual asio::awaitable<Result<Entry>> lookup(InodeId directory, std::string name) = 0;
  virtual Result<Entry> lookup_now(InodeId directory, std::string_view name) const = 0;
  // Also of a removed inode (links 0), as long as late operations may need it; an alias gives what it stands for.
  // ESTALE: not known, or removed so soon after it was made that nothing is left.
  virtual asio::awaitable<Result<InodePtr>> inode(InodeId id) = 0;
  virtual Result<InodePtr> inode_now(InodeId id) const = 0;
  // How many directories are in it, from memory; the greatest number there is: not all of it was read yet.
  virtual std::uint64_t subdirectories(InodeId directory) const = 0;
  // At most `max` entries whose names come after `after` (bytewise; "" for the first), in that order.
  virtual asio::awaitable<Result<std::vector<NamedEntry>>> list(InodeId directory, std::string after,
                                                                std::size_t max) = 0;

  // --- Changes -------------------------------------------------------------------------------------------------------
  // Permissions are the caller's business. Names are checked with is_name(): invalid_argument, filename_too_long.
  // file_exists; what is below blobs/ brings version and reference with it.
  virtual asio::awaitable<Result<Entry>> make(InodeId directory, std::string name, NewInode inode) = 0;
  // operation_not_permitted for a directory and below blobs/; file_exists.
  virtual asio::awaitable<Result<void>> link(InodeId inode, InodeId directory, std::string name) = 0;
  // is_a_directory. Gives the inode that lost the name.
  virtual asio::awaitable<Result<Entry>> unlink(InodeId directory, std::string name) = 0;
  // not_a_directory, directory_not_empty.
  virtual asio::awaitable<Result<void>> rmdir(InodeId directory, std::string name) = 0;
  // rename(2). Gives the inode that was replaced, if one was. file_exists with Existing::keep; directory_not_empty,
  // is_a_directory, not_a_directory; invalid_argument for a directory below itself; cross_device_link into, out of or
  // of a directory within blobs/. A move on to another name of the same inode does nothing.
  virtual asio::awaitable<Result<std::optional<Entry>>> move(InodeId from, std::string name, InodeId to,
                                                             std::string new_name, Existing existing) = 0;
  // Both names must be there. cross_device_link where one is below blobs/.
  virtual asio::awaitable<Result<void>> exchange(InodeId one, std::string name, InodeId other,
                                                 std::string other_name) = 0;
  // New content, whose chunks the store has acknowledged. `base`: the version that the writer started from (where
  // another one is there by now, both are kept). Gives the new version. A file that is gone comes back where others may
  // have removed it; ESTALE where only this mount can have.
  virtual asio::awaitable<Result<Stamp>> write(InodeId inode, Version base, std::optional<Reference> reference,
                                               Time mtime, std::uint64_t flags) = 0;
  // ESTALE where the inode is gone.
  virtual asio::awaitable<Result<void>> set(InodeId inode, Changes changes) = 0;

  // As long as someone has this, the content that the inode had is not deleted, whatever takes its place.
  virtual std::shared_ptr<const void> hold(InodeId inode) = 0;

  // --- blobs/ --------------------------------------------------------------------------------------------------------
  // There the value is stored before its operation, and its `v` is the version. A stamp for a make: draw(). For a
  // write, whose own stamp is the version: reserve(); nothing later is committed while it is held, so keep it for the
  // store of one value alone. Dropped without a write_reserved, it leaves nothing.
  class Reservation {
   public:
    virtual ~Reservation() = default;
    virtual Stamp stamp() const = 0;
  };
  virtual Stamp draw() = 0;
  virtual std::unique_ptr<Reservation> reserve() = 0;
  virtual asio::awaitable<Result<Stamp>> write_reserved(std::unique_ptr<Reservation> reservation, InodeId inode,
                                                        Version base, std::optional<Reference> reference, Time mtime,
                                                        std::uint64_t flags) = 0;

  // The newest version of a key's value that this state directory has seen, where that was told; the key's inode may
  // not have it yet, or be gone. All that is stored later has later stamps.
  virtual Result<Version> seen_value(const std::string& key) = 0;
  virtual Result<void> see_value(const std::string& key, const Stamp& version) = 0;

  // --- The store -----------------------------------------------------------------------------------------------------
  // Returns when all changes that returned before are in the store.
  virtual asio::awaitable<spot::Answer<void>> commit() = 0;
  // The same, and on the store's disk. lost, with a key as text: not all contents are, and whose that is says
  // BlobStore::is_lost().
  virtual asio::awaitable<spot::Answer<void>> sync() = 0;
  // Returns when all changes that returned before are as safe as an fsync is to make them: as sync(), or on the disk of
  // this machine where contents are kept back.
  virtual asio::awaitable<spot::Answer<void>> make_durable() = 0;
  // Reads the other writers' heads now and applies what is new.
  virtual asio::awaitable<spot::Answer<void>> refresh() = 0;
  // Returns once it is sure that the other writers know of this one (3 s after the first mount of a state directory).
  // The first close of a file waits for it; where contents are kept back, only that of a state directory which has
  // never been known to the store.
  virtual asio::awaitable<spot::Answer<void>> registered() = 0;
  // From here on every change is refused, and the next mount of the state directory waits for the end of this one:
  // commit() may be tried until all is stored.
  virtual void drain() = 0;
  // Commits and stops. An error: what it could not store is in the journal, for the next mount.
  virtual asio::awaitable<spot::Answer<void>> close() = 0;

  // --- Maintenance ---------------------------------------------------------------------------------------------------
  // Reads the records and logs of all writers, and the newest snapshot, anew, as a fresh mount would. What can't be had
  // is stored again: from a copy at once, what is this mount's own by the next commit. An error: the store could not be
  // asked.
  virtual asio::awaitable<spot::Answer<std::vector<LogFault>>> check_logs() = 0;
  // Nobody reads this writer's log any more: for one that will not come back (files.md, "Dead writers"). Refreshes in
  // full and stores a head first. not_found: no such writer; refused, with the reason as text.
  virtual asio::awaitable<spot::Answer<void>> retire(WriterId writer) = 0;
  // Takes what the store shows of writers that are rolled back, or whose log is lost, for all that there is. Gives
  // which they were.
  virtual asio::awaitable<spot::Answer<std::vector<WriterId>>> accept_older() = 0;
  // Deletes what has been trash for a day and nobody names: it is done by itself once a day. refused: it is under way;
  // offline and the store's errors: what others name is not known, and nothing is deleted.
  virtual asio::awaitable<spot::Answer<Swept>> sweep() = 0;
  // Kept in the state directory.
  virtual ScrubMark scrub_mark() const = 0;
  virtual spot::Answer<void> set_scrub_mark(const ScrubMark& mark) = 0;

  // --- Information ---------------------------------------------------------------------------------------------------
  virtual BlobId store_id() const = 0;
  // For the contents of this store; as long as the index.
  virtual const ContentCipher& cipher() const = 0;
  virtual IndexStatus status() const = 0;
  // Called on the index's executor, without a lock, after other writers' operations were applied. Set it before
  // anything else uses the index.
  virtual void on_change(std::function<void(const ChangeSet&)> event) = 0;
};

}  // namespace spotfs
