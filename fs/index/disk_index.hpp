// The Index of a mount: reads and changes go to the ledger at once; a loop on a strand of its own registers, refreshes
// and commits, and answers those who wait for that.
//
// Thread: as index.hpp says; members that only the loop uses are marked so.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include <boost/asio/strand.hpp>

#include "client/base/sync.hpp"
#include "client/net/one_shot.hpp"
#include "fs/content/content_store.hpp"
#include "fs/content/sweep.hpp"
#include "fs/index/check_log.hpp"
#include "fs/index/index.hpp"
#include "fs/index/ledger.hpp"
#include "fs/index/peers.hpp"
#include "fs/index/snapshot.hpp"
#include "fs/index/state_directory.hpp"
#include "fs/store/group_sync.hpp"

namespace spotfs {

// After the last request, for so long, heads are looked at.
inline constexpr std::chrono::seconds kIdle{30};

// The snapshot that counts, none in a young store, and the one that the state is made from: where the newest can't be
// read, its base.
struct CurrentSnapshot {
  std::optional<Journal::KnownSnapshot> known;
  std::optional<SnapshotBase> tree;
  Included included;
  std::shared_ptr<const TreeShape> shape = std::make_shared<const TreeShape>();
  Included base;
  std::shared_ptr<const TreeShape> base_shape = std::make_shared<const TreeShape>();
};

// `loaded`: `known` itself, or its base where it can't be read. Takes all but the state out of it.
CurrentSnapshot current_snapshot(const Journal::KnownSnapshot& known, LoadedSnapshot& loaded);

// Nodes of a tree that counted before, and that the one that counts now has no use for.
std::vector<BlobId> superseded_nodes(const TreeShape& before, const TreeShape& now);

// What is asked for, and stored again, before a head is stored over an older one of ours.
enum class Mending { none, contents, contents_and_snapshot };
Mending mending_after(const std::optional<Head>& shown, const CurrentSnapshot& snapshot);

// What open_disk() has put together.
struct DiskParts {
  IndexOptions options;
  std::shared_ptr<const SealedStore> store;
  std::shared_ptr<Ledger> ledger;
  std::unique_ptr<Peers> peers;
  LockedDirectory directory;
  RunId run{};
  bool head_is_old = false;  // the store's head does not name all of the log, or an older snapshot
  Mending mending = Mending::none;
  StateOptions state;
  CurrentSnapshot snapshot;
  bool is_unasked = false;  // the store could not be asked
  std::unique_ptr<GroupSync> journal_sync;
  std::uint64_t counter = 0;  // of our head that the store has shown
};

class DiskIndex final : public Index, public std::enable_shared_from_this<DiskIndex> {
 public:
  DiskIndex(asio::any_io_executor executor, DiskParts parts);
  void start();

  asio::awaitable<Result<Entry>> lookup(InodeId directory, std::string name) override;
  Result<Entry> lookup_now(InodeId directory, std::string_view name) const override;
  asio::awaitable<Result<InodePtr>> inode(InodeId id) override;
  Result<InodePtr> inode_now(InodeId id) const override;
  std::uint64_t subdirectories(InodeId directory) const override;
  asio::awaitable<Result<std::vector<NamedEntry>>> list(InodeId directory, std::string after, std::size_t max) override;

  asio::awaitable<Result<Entry>> make(InodeId directory, std::string name, NewInode inode) override;
  asio::awaitable<Result<void>> link(InodeId inode, InodeId directory, std::string name) override;
  asio::awaitable<Result<Entry>> unlink(InodeId directory, std::string name) override;
  asio::awaitable<Result<void>> rmdir(InodeId directory, std::string name) override;
  asio::awaitable<Result<std::optional<Entry>>> move(InodeId from, std::string name, InodeId to, std::string new_name,
                                                     Existing existing) override;
  asio::awaitable<Result<void>> exchange(InodeId one, std::string name, InodeId other, std::string other_name) override;
  asio::awaitable<Result<Stamp>> write(InodeId inode, Version base, std::optional<Reference> reference, Time mtime,
                                       std::uint64_t flags) override;
  asio::awaitable<Result<void>> set(InodeId inode, Changes changes) override;

  std::shared_ptr<const void> hold(InodeId inode) override;

  Stamp draw() override { return ledger_->draw(); }
  std::unique_ptr<Reservation> reserve() override;
  asio::awaitable<Result<Stamp>> write_reserved(std::unique_ptr<Reservation> reservation, InodeId inode, Version base,
                                                std::optional<Reference> reference, Time mtime,
                                                std::uint64_t flags) override;

  Result<Version> seen_value(const std::string& key) override;
  Result<void> see_value(const std::string& key, const Stamp& version) override;

  asio::awaitable<Answer<void>> commit() override;
  asio::awaitable<Answer<void>> sync() override;
  asio::awaitable<Answer<void>> make_durable() override;
  asio::awaitable<Answer<void>> refresh() override;
  asio::awaitable<Answer<void>> registered() override;
  void drain() override;
  asio::awaitable<Answer<void>> close() override;

  asio::awaitable<Answer<std::vector<LogFault>>> check_logs() override;
  asio::awaitable<Answer<void>> retire(WriterId writer) override;
  asio::awaitable<Answer<std::vector<WriterId>>> accept_older() override;
  asio::awaitable<Answer<Swept>> sweep() override;
  ScrubMark scrub_mark() const override { return ledger_->journal().scrub_mark(); }
  Answer<void> set_scrub_mark(const ScrubMark& mark) override { return ledger_->journal().set_scrub_mark(mark); }

  BlobId store_id() const override { return store_->id(); }
  const ContentCipher& cipher() const override { return store_->cipher(); }
  IndexStatus status() const override;
  void on_change(std::function<void(const ChangeSet&)> event) override { event_ = std::move(event); }

  // For tests, on the index's executor: what the state is made from. not_found: no snapshot.
  const Ledger& ledger() const noexcept { return *ledger_; }
  asio::awaitable<Answer<LoadedSnapshot>> read_snapshot_again() const;

 private:
  class Held;
  class Hold;
  using Done = spot::OneShot<Answer<void>>;
  struct CommitWaiter {
    Stamp target;  // all that is stamped before it
    Done::Pointer done;
  };
  // Work that must not run beside a refresh or a commit.
  struct Job {
    std::function<asio::awaitable<void>()> work;
    std::function<void()> abandon;  // the loop has ended
  };
  // What callers ask the loop for, and what it tells them.
  struct Requests {
    std::vector<CommitWaiter> commits;
    std::vector<Job> jobs;
    std::vector<Done::Pointer> refreshes, registrations, ends;
    bool closing = false, ended = false;
    bool registered = false;
    bool was_registered = false;  // the store has known this writer, and contents are kept back: that will do
    std::string last_error;
  };

  // Callers.
  bool is_stale() const;
  void use() const;
  asio::awaitable<void> freshen();
  asio::awaitable<Result<Stamp>> change(const Ledger::Plan& plan, const Ledger::Then& then);
  void set_dirty();
  asio::awaitable<Answer<void>> wait_for(std::vector<Done::Pointer> Requests::*list);

  // Work that needs nodes which may not be in memory (snapshot.hpp, read_for()); it lives until it is done.
  enum class By { caller, loop };
  template <class Work>
  asio::awaitable<typename AfterReading<std::invoke_result_t<const Work&>>::Type> read_for(const Work& work, By by);
  template <class Read>
  asio::awaitable<std::invoke_result_t<const Read&, const State&>> ask(const Read& read);
  GapFiller filler();
  asio::awaitable<Answer<void>> read_all();
  bool is_whole() const {
    return ledger_->read([](const State& state) { return state.is_whole(); });
  }
  asio::awaitable<Answer<void>> fall_back();
  asio::awaitable<Answer<void>> adopt_base(const std::set<BlobId>& lost);
  bool has_lost_nodes() const {
    return lost_nodes_.with([](const std::set<BlobId>& lost) { return !lost.empty(); });
  }

  // Runs it in the loop, whether or not its caller goes on waiting.
  template <class T>
  asio::awaitable<Answer<T>> in_loop(std::function<asio::awaitable<Answer<T>>()> work);
  asio::awaitable<Answer<std::optional<LogFault>>> check_own_head();
  asio::awaitable<Answer<bool>> recover_log();
  asio::awaitable<Answer<std::set<BlobId>>> snapshot_nodes() const;
  TwoStores two_stores() const;
  asio::awaitable<Answer<std::vector<LogFault>>> check_snapshot();
  asio::awaitable<Answer<void>> do_retire(WriterId writer);
  asio::awaitable<void> retire_dead();
  asio::awaitable<void> retire_self();
  asio::awaitable<Answer<std::vector<WriterId>>> do_accept_older();

  // What contents leave behind.
  void start_collecting();
  static asio::awaitable<void> collect(std::shared_ptr<DiskIndex> self);
  asio::awaitable<Answer<void>> collect_all(std::int64_t until, std::int64_t after);
  asio::awaitable<Answer<void>> empty_trash(std::int64_t until);
  bool is_held(const InodeId& inode);

  // What was made from contents that may be deleted.
  void remember_hearing();
  void own_what_is_shared();
  void heard_everyone(const Stamp& begun);
  asio::awaitable<Answer<void>> own_late_contents();

  // What nobody names any more.
  bool is_tidying_due() const;
  asio::awaitable<void> begin_tidying();
  static asio::awaitable<Answer<void>> tidy(std::shared_ptr<DiskIndex> self);
  using SweptShot = spot::OneShot<Answer<Swept>>;
  static asio::awaitable<Answer<void>> begin_sweep(std::shared_ptr<DiskIndex> self, std::shared_ptr<SweptShot> done);
  static asio::awaitable<Answer<Swept>> sweep_beside(std::shared_ptr<DiskIndex> self);
  struct Everything;
  asio::awaitable<Answer<std::shared_ptr<const Everything>>> all_that_is_named();
  asio::awaitable<Answer<void>> meet_all(Sweep& sweep, std::shared_ptr<const Everything> named);
  asio::awaitable<Answer<void>> meet_leaves(Sweep& sweep, Sweep::By by, std::vector<BlobId> all);
  asio::awaitable<Answer<std::uint64_t>> sweep_contents(std::int64_t until, std::shared_ptr<const Everything> named);
  asio::awaitable<Answer<std::uint64_t>> sweep_blobs(std::int64_t until, std::shared_ptr<const Everything> named);

  // The loop.
  asio::awaitable<void> run();
  std::chrono::nanoseconds next_wait() const;
  bool is_refresh_due() const;
  bool is_commit_due() const;
  bool ends() const;
  asio::awaitable<void> do_register();
  asio::awaitable<void> do_jobs();
  asio::awaitable<Answer<void>> do_refresh();
  asio::awaitable<void> do_commit();
  bool has_queue() const { return options_.pending && options_.pending->has_queue(); }
  bool are_uploaded();
  asio::awaitable<Answer<Stamp>> commit_once(std::optional<Stamp> most);
  asio::awaitable<Answer<void>> become_another(bool is_shared);
  Head next_head();
  void note_own_head(std::uint64_t counter);
  Answer<void> see_older_head(const std::optional<Head>& shown);
  asio::awaitable<Answer<void>> mend();
  asio::awaitable<Answer<void>> mend_contents();
  void tell_changes(const ChangeSet& changes) const;

  // Snapshots: the loop's too.
  asio::awaitable<Answer<void>> adopt(Journal::KnownSnapshot known, Snapshot from);
  asio::awaitable<Answer<void>> read_news(std::optional<Snapshot> shown);
  asio::awaitable<Answer<void>> add(std::vector<Operation> operations);
  std::optional<Clock::Steady> snapshot_due() const;
  asio::awaitable<void> begin_snapshot();
  void begin_reading_all();
  struct WrittenSnapshot {
    std::shared_ptr<const Frozen> frozen;
    TreeShape shape;
    std::optional<SnapshotBase> from;  // what it was made from
    Clock::Steady begun;
  };
  static asio::awaitable<Answer<void>> write_snapshot(std::shared_ptr<DiskIndex> self, std::shared_ptr<Frozen> frozen,
                                                      Clock::Steady begun);
  asio::awaitable<void> take_written();
  bool is_snapshot_due() const;
  Answer<void> take_snapshot(const Frozen& frozen, TreeShape shape);
  Answer<void> take(CurrentSnapshot snapshot);
  void want_head() noexcept { ++head_wanted_; }
  bool is_head_old() const noexcept { return head_stored_ != head_wanted_; }
  Answer<void> keep_snapshot();
  Answer<void> drop_log();
  Stamp a_minute_ago() const;
  std::int64_t unix_seconds() const { return spotfs::unix_seconds(*options_.clock); }

  void note(const Answer<void>& done);
  Clock::Steady now() const { return options_.clock->steady(); }

  const asio::strand<asio::any_io_executor> strand_;
  const IndexOptions options_;
  const std::shared_ptr<const SealedStore> store_;
  const std::shared_ptr<const SealedStore> origin_;  // the same past all copies; `store_` itself where there are none
  const std::shared_ptr<Ledger> ledger_;
  const std::unique_ptr<Peers> peers_;
  const std::unique_ptr<GroupSync> journal_sync_;  // null: a change need not be on the disk when it returns
  const std::shared_ptr<Alarm> alarm_;
  std::function<void(const ChangeSet&)> event_;
  spot::Synchronized<Requests> requests_;
  // The newest of ours that is known to be in the store.
  struct OwnHead {
    WriterId writer{};
    std::uint64_t counter = 0;
  };
  spot::Synchronized<OwnHead> own_head_;

  mutable std::atomic<Clock::Steady::rep> used_{0};  // when a caller last asked for something
  std::atomic<Clock::Steady::rep> refreshed_{0};     // when the last refresh began
  std::atomic<bool> dirty_{false};
  std::atomic<Clock::Steady::rep> dirty_since_{0};
  struct Holds {
    std::size_t count = 0;
    bool keeps_trash = false;  // something of it could not be collected
  };
  spot::Synchronized<std::map<InodeId, Holds>> held_;  // inodes whose old contents are in use
  std::atomic<bool> may_collect_{true};                // something may have become collectable
  std::atomic<bool> collect_afresh_{false};            // of what `collected_` counts, too
  std::int64_t collected_ = 0;                         // the collector's: what is left of these rows is held
  const std::shared_ptr<ContentStore> contents_;

  // The loop's alone.
  RunId run_;
  std::optional<LockedDirectory> directory_;
  std::uint64_t head_wanted_ = 0, head_stored_ = 0;  // counts of reasons to store a head, and of those that are met
  Mending mending_;                                  // due before the next head is stored
  bool is_unasked_;                                  // nothing is committed before it is known whether our head is ours
  bool is_replaced_ = false;                         // someone else has our writer id: another one comes first
  bool is_foreign_ = false;                          // … as this state directory was copied, or that one was
  Clock::Steady retire_again_{};                     // when dead writers are looked for
  Clock::Steady look_again_{};                       // when the registration is read back, or tried again
  Clock::Steady commit_again_{};                     // not before, after a failure
  Stamp committed_;                                  // all that is stamped before it is
  // What the next commit waits for.
  struct Uploads {
    Stamp most;  // what is done before it has its contents among them
    std::optional<Answer<void>> outcome;
  };
  std::shared_ptr<Uploads> uploads_;
  bool collecting_ = false;
  Clock::Steady tidy_again_{};                 // when the trash is looked at
  std::optional<std::uint64_t> trash_before_;  // when it was looked at last
  Clock::Steady sweep_again_{};                // not before, however that went
  bool got_every_head_ = false;                // in the last refresh
  Clock::Steady heard_{};                      // when the last refresh was that got every head
  Clock::Steady note_hearing_{};
  Stamp late_before_;  // what was done before it, and is not committed, may have old contents; zero: nothing has
  std::set<Stamp> late_owned_;  // of them, those that have no more
  const StateOptions state_options_;
  const SnapshotStore snapshots_;
  CurrentSnapshot snapshot_;
  std::atomic<std::uint64_t> generation_;  // of it
  bool is_snapshot_unnamed_ = true;        // no head of ours that names it is known to be in the store
  bool log_may_shrink_ = true;
  std::vector<Operation> unapplied_;  // of others
  // Nodes that are lost, though the base of their snapshot may tell what was in them.
  spot::Synchronized<std::set<BlobId>> lost_nodes_;
  bool reading_all_ = false;                       // for a snapshot
  bool writing_snapshot_ = false;                  // until it counts, or is given up
  std::unique_ptr<WrittenSnapshot> written_;       // it is in the store
  Clock::Steady snapshot_at_{};                    // when the one that is due is begun
  Clock::Steady snapshot_again_{};                 // not before, after a failure
  Clock::Steady adopt_again_{};                    // as above
  const std::chrono::nanoseconds snapshot_pause_;  // random, so that two writers do not make one at once
  std::chrono::nanoseconds commit_pause_{};
};

// Everything up to the first request: index.hpp, open().
asio::awaitable<Answer<DiskParts>> open_disk(asio::any_io_executor executor, IndexOptions options);

}  // namespace spotfs
