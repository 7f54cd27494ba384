#include <algorithm>
#include <fstream>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/this_coro.hpp>

#include "client/base/encoding.hpp"
#include "client/crypto/hash.hpp"
#include "fs/index/commit.hpp"
#include "fs/index/disk_index.hpp"
#include "fs/index/restamp.hpp"
#include "fs/index/store_identity.hpp"
#include "fs/index/writer_directory.hpp"

namespace spotfs {

namespace {

std::string this_machine() {
  std::ifstream file{"/etc/machine-id"};
  std::string out;
  std::getline(file, out);
  return out;
}

// Without what is not there or not right one can go on, and says so; without an answer one can't.
bool can_go_on(const Failure& failure) noexcept {
  return failure.code == Errc::not_found || spot::to_errno(failure.code) == EBADMSG;
}

// Without a connection.
Failure not_whole(const Failure& failure) {
  return Failure{failure.code, "no connection, and not all names of the disk are kept on this machine"};
}

// A run whose first bytes no operation has: they tell the stamps of runs apart.
RunId draw_run(const std::vector<Operation>& operations, const Included& included = {}) {
  RunId out;
  const auto is_known = [&](const RunPrefix& prefix) {
    return included.knows(prefix) ||
           std::ranges::any_of(operations, [&](const Operation& op) { return op.stamp.run() == prefix; });
  };
  do out = spot::random_array<16>();
  while (is_known(prefix_of(out)));
  return out;
}

HybridClock clock_of(const RunId& run, const Clock& clock, const Stamp& last) {
  HybridClock out{clock, prefix_of(run)};
  out.see(last);
  return out;
}

constexpr std::chrono::seconds kAgain{30};  // after contents that could not be uploaded

// What a killed mount left uncommitted, in its own name, once the contents that it left are uploaded.
asio::awaitable<Answer<void>> commit_left_behind(const LockedDirectory& directory,
                                                 std::shared_ptr<const SealedStore> store, const IndexOptions& options,
                                                 std::shared_ptr<PendingStore> pending) {
  if (pending) {
    if (const Answer<void> uploaded = co_await pending->uploaded(); !uploaded) co_return uploaded;
  }
  Answer<std::unique_ptr<Journal>> opened = Journal::open(directory.path(), options.machine_id);
  if (!opened) co_return opened.error();
  const std::shared_ptr<Journal> journal = std::move(*opened);
  const Answer<std::vector<Operation>> unstored = journal->unstored();
  if (!unstored) co_return unstored.error();
  if (unstored->empty() || journal->is_copy()) co_return Answer<void>{};
  Peers peers{store, journal, options.clock, options.notice};
  if (const Answer<void> loaded = peers.load(); !loaded) co_return loaded;
  const Answer<std::vector<Operation>> all = journal->operations();
  if (!all) co_return all.error();
  const RunId run = draw_run(*all);
  HybridClock clock = clock_of(run, *options.clock, all->back().stamp);
  Registration registration;
  registration.host = options.host;
  registration.stamp = clock.next();
  const Peers::News news = co_await peers.look();
  if (news.failure) co_return *news.failure;
  // Someone else goes on in its name: what it had is for whoever mounts that directory.
  if (news.own_is_foreign || peers.is_retired(journal->writer())) co_return Failure{Errc::wrong_name, "its writer"};
  if (news.own_is_old) {
    if (const Answer<void> marked = store_again_after(*journal, news.own); !marked) co_return marked;
  }
  if (const Answer<bool> entered = co_await peers.enter(journal->writer(), registration); !entered)
    co_return entered.error();
  if (const Answer<void> planned = plan_pieces(*journal, clock.next()); !planned) co_return planned;
  Head head;
  head.run = run;
  head.host = options.host;
  head.stamp = clock.next();
  if (news.own) head.seen = news.own->seen;
  if (const auto known = journal->snapshot()) head.snapshot = known->snapshot;
  co_return co_await store_log_and_head(journal, store, std::move(head));
}

// The same, and all that is to be uploaded, in the background: that may be much.
asio::awaitable<void> send_left_behind(LockedDirectory directory, std::shared_ptr<const SealedStore> store,
                                       IndexOptions options, std::shared_ptr<PendingStore> pending) {
  const std::shared_ptr<Alarm> alarm = options.alarm(co_await asio::this_coro::executor);
  for (;;) {
    Answer<void> done = co_await commit_left_behind(directory, store, options, pending);
    if (done) {
      const Answer<std::vector<Bytes>> synced = co_await pending->sync();
      if (!synced) done = synced.error();
    }
    if (done || (!is_unreachable(done.error().code) && pending->status().count == 0)) break;
    co_await alarm->wait(kAgain);
  }
  pending->close();
}

class Opening {
 public:
  Opening(asio::any_io_executor executor, IndexOptions options)
      : executor_{std::move(executor)}, options_{std::move(options)} {
    beneath_ = options_.store;
    if (options_.pending) options_.store = options_.pending->over(options_.store);
  }

  asio::awaitable<Answer<DiskParts>> run();

 private:
  asio::awaitable<Answer<void>> find_store();
  asio::awaitable<Answer<void>> commit_abandoned();
  asio::awaitable<Answer<Peers::News>> look_at_others();
  Answer<void> check_expected(const Peers::News& news) const;
  asio::awaitable<Answer<void>> read_snapshot(std::optional<Snapshot> shown);
  asio::awaitable<Answer<void>> read_logs();
  Answer<void> read_journal();
  asio::awaitable<Answer<void>> become_another(bool is_shared);
  GapFiller filler() const;
  asio::awaitable<Answer<void>> add(const std::vector<Operation>& operations);
  Answer<bool> names_all(const std::optional<Head>& own) const;
  void tell(const std::string& line) const {
    if (options_.notice) options_.notice(line);
  }

  asio::any_io_executor executor_;
  IndexOptions options_;
  std::shared_ptr<BlobStore> beneath_;  // what is pending
  std::optional<StateRoot> root_;
  std::shared_ptr<const SealedStore> store_;
  StateOptions state_options_;
  std::optional<LockedDirectory> directory_;
  std::shared_ptr<Journal> journal_;
  std::unique_ptr<Peers> peers_;
  CurrentSnapshot snapshot_;
  std::unique_ptr<History> history_;
  std::vector<Operation> known_;  // of the journal and of others
  bool is_away_ = false;          // nobody can be reached, and it is opened all the same
};

asio::awaitable<Answer<void>> Opening::find_store() {
  const auto sealer = std::make_shared<const RecordSealer>(options_.keys);
  Answer<StateRoot> root = StateRoot::open(options_.state, spot::sha256(options_.keys->self().public_key().pkix()));
  if (!root) co_return root.error();
  root_ = std::move(*root);
  Answer<StoreIdentity> identity = co_await identify_store(sealer, *root_, options_);
  if (!identity) co_return identity.error();
  state_options_.uid = options_.uid;
  state_options_.gid = options_.gid;
  state_options_.conflicts_last = identity->record.conflicts_last;
  store_ = std::make_shared<const SealedStore>(options_.store, sealer, std::move(identity->secret));
  co_return Answer<void>{};
}

// Best effort: where it fails the next mount tries again, and this one works all the same.
asio::awaitable<Answer<void>> Opening::commit_abandoned() {
  for (LockedDirectory& directory : take_abandoned(*root_, store_->id())) {
    std::shared_ptr<PendingStore> pending;
    if (options_.pending) pending = options_.pending->sibling();
    const Answer<void> opened = pending ? pending->open(directory.path()) : Answer<void>{};
    if (opened && pending && pending->status().count != 0) {
      asio::co_spawn(asio::make_strand(executor_),
                     send_left_behind(std::move(directory), store_->over(pending->over(beneath_)), options_, pending),
                     asio::detached);
      continue;
    }
    const Answer<void> done = opened ? co_await commit_left_behind(directory, store_, options_, nullptr) : opened;
    if (!done) tell(directory.path().string() + ": what an earlier mount left uncommitted could not be sent");
  }
  co_return Answer<void>{};
}

Answer<void> Opening::read_journal() {
  Answer<std::unique_ptr<Journal>> journal = Journal::open(directory_->path(), options_.machine_id);
  if (!journal) return journal.error();
  journal_ = std::move(*journal);
  peers_ = std::make_unique<Peers>(store_, journal_, options_.clock, options_.notice);
  if (const Answer<void> loaded = peers_->load(); !loaded) return loaded;
  Answer<std::vector<Operation>> own = journal_->operations();
  if (!own) return own.error();
  known_ = std::move(*own);
  return {};
}

asio::awaitable<Answer<Peers::News>> Opening::look_at_others() {
  Peers::News news = co_await peers_->look();
  is_away_ = options_.open_offline && news.failure && is_unreachable(news.failure->code);
  if (is_away_ && !journal_->has_seen_all()) co_return not_whole(*news.failure);
  if (is_away_) tell("no connection: the disk is shown as it was seen last");
  if (is_away_) co_return news;
  if (news.failure && !can_go_on(*news.failure)) co_return *news.failure;
  if (news.failure) tell(news.failure->code.message() + ": " + news.failure->text);
  co_return news;
}

// The store shows what IndexOptions::expect says of every writer, or more. Who is retired has nothing that is not in a
// snapshot. Our own log is here.
Answer<void> Opening::check_expected(const Peers::News& news) const {
  if (!options_.expect) return {};
  for (const auto& [writer, least] : options_.expect->heads) {
    if (peers_->is_retired(writer)) continue;
    std::uint64_t newest = peers_->newest_of(writer);
    if (writer == journal_->writer()) newest = std::max(journal_->counter(), news.own ? news.own->counter : 0);
    if (newest >= least) continue;
    const std::string name = "writer " + spot::base64url(writer);
    const std::string shown =
        newest == 0 ? "nothing of " + name : name + " as it was at head " + std::to_string(newest);
    return Failure{Errc::rollback, options_.source + " shows " + shown + ", though it had stored head " +
                                       std::to_string(least) +
                                       " when the digest of -o expect was made: it is not all that was there"};
  }
  return {};
}

// The newest that is known, or where that can't be had the one that it was made from: what comes after that is in the
// logs.
asio::awaitable<Answer<void>> Opening::read_snapshot(std::optional<Snapshot> shown) {
  const std::optional<Journal::KnownSnapshot> kept = journal_->snapshot();
  if (kept) snapshot_.known = kept;
  if (is_newer(shown, kept ? std::optional{kept->snapshot} : std::nullopt))
    snapshot_.known = Journal::KnownSnapshot{*shown, unix_seconds(*options_.clock)};
  if (!snapshot_.known) {
    if (peers_->has_retired()) tell("the store shows no snapshot, though writers have retired: it was rolled back");
    history_ = std::make_unique<History>(state_options_);
    co_return Answer<void>{};
  }
  const SnapshotStore snapshots{executor_, store_, state_options_};
  const Snapshot newest = snapshot_.known->snapshot;
  Answer<LoadedSnapshot> loaded = co_await snapshots.read(newest);
  if (!loaded && newest.base && (can_go_on(loaded.error()) || is_away_)) {
    tell("the newest snapshot can't be read, the one before it is taken: " + loaded.error().text);
    Snapshot base;
    base.tree = *newest.base;
    loaded = co_await snapshots.read(base);
  }
  if (!loaded) co_return is_away_ ? not_whole(loaded.error()) : loaded.error();
  history_ = std::make_unique<History>(std::move(loaded->state), loaded->included);
  for (const BlobId& node : history_->state().gaps().lost_nodes()) tell(describe_lost(node));
  snapshot_ = current_snapshot(*snapshot_.known, *loaded);
  if (kept && kept->snapshot.tree != newest.tree && loaded->tree == newest.tree) {
    // It may be that nobody else has ever known of that one.
    const Answer<TreeShape> before = co_await snapshots.read_shape(kept->snapshot.tree);
    const std::vector<BlobId> left = before ? superseded_nodes(*before, *snapshot_.shape) : std::vector<BlobId>{};
    if (const Answer<void> done = journal_->add_trash(left, unix_seconds(*options_.clock)); !done) co_return done;
  }
  co_return journal_->set_snapshot(*snapshot_.known);
}

asio::awaitable<Answer<void>> Opening::read_logs() {
  Peers::Logs logs = co_await peers_->read_logs(snapshot_.included, Peers::Reading::what_is_new);
  if (is_away_ && (logs.failure || !peers_->is_complete()))
    co_return not_whole(logs.failure.value_or(Failure{Errc::offline}));
  if (logs.failure && !can_go_on(*logs.failure)) co_return *logs.failure;
  known_.insert(known_.end(), logs.operations.begin(), logs.operations.end());
  // Nobody should take what is lost for an empty disk.
  if (logs.failure && known_.empty() && !snapshot_.known && !options_.accept_store)
    co_return Failure{Errc::rollback, options_.source + " shows nothing of its disk, as a part of the log is lost: " +
                                          logs.failure->text +
                                          " (spotfsctl scrub on a machine that has it stores it again; -o accept_store "
                                          "goes on without it)"};
  co_return co_await add(logs.operations);
}

GapFiller Opening::filler() const {
  GapFiller out = filler_of(*history_);
  out.lose = [this](const BlobId& node, std::error_code why) {
    history_->lose(node, why);
    tell(describe_lost(node));
  };
  return out;
}

asio::awaitable<Answer<void>> Opening::add(const std::vector<Operation>& operations) {
  const SnapshotStore snapshots{executor_, store_, state_options_};
  const auto work = [&] { return history_->add(operations); };
  const GapFiller gaps = filler();
  const Answer<ChangeSet> added = co_await snapshots.read_for(work, gaps);
  if (!added) co_return is_away_ ? not_whole(added.error()) : added.error();
  co_return Answer<void>{};
}

// A new id for our log, and new stamps for what is in no piece: whoever else has the old id may have used them. What
// was stored under the old id is another writer's now.
asio::awaitable<Answer<void>> Opening::become_another(bool is_shared) {
  tell("this state directory was copied, or its writer retired: going on as a new writer");
  const Answer<std::vector<Operation>> loose = journal_->loose();
  if (!loose) co_return loose.error();
  HybridClock clock = clock_of(draw_run(known_, snapshot_.included), *options_.clock, history_->last());
  std::vector<Stamp> old;
  for (const Operation& operation : *loose) old.push_back(operation.stamp);
  std::vector<Operation> renamed;
  const auto rename = [&] {
    renamed = restamp(*loose, history_->state(), [&] { return clock.next(); });
    return history_->replace(old, renamed);
  };
  const SnapshotStore snapshots{executor_, store_, state_options_};
  const GapFiller gaps = filler();
  if (const Answer<ChangeSet> done = co_await snapshots.read_for(rename, gaps); !done) co_return done.error();
  known_.insert(known_.end(), renamed.begin(), renamed.end());
  const Answer<void> done = journal_->become(spot::random_array<16>(), options_.machine_id, renamed, is_shared);
  if (!done) co_return done;
  if (const Answer<Peers::News> news = co_await look_at_others(); !news) co_return news.error();
  co_return co_await read_logs();
}

// Does the head in the store name all of the log, and the newest snapshot?
Answer<bool> Opening::names_all(const std::optional<Head>& own) const {
  const Answer<std::vector<Operation>> unstored = journal_->unstored();
  if (!unstored) return unstored.error();
  if (!unstored->empty()) return false;
  const Answer<LogList> log = head_log(*journal_);
  if (!log) return log.error();
  if (!own) return log->pieces.empty() && !log->older;
  const bool has_snapshot = !snapshot_.known || own->snapshot == snapshot_.known->snapshot;
  return own->log == *log && has_snapshot;
}

asio::awaitable<Answer<DiskParts>> Opening::run() {
  if (options_.machine_id.empty()) options_.machine_id = this_machine();
  if (const Answer<void> done = co_await find_store(); !done) co_return done.error();
  Answer<LockedDirectory> directory = co_await take_writer_directory(*root_, store_->id(), options_);
  if (!directory) co_return directory.error();
  directory_ = std::move(*directory);
  if (options_.pending) {
    if (const Answer<void> done = options_.pending->open(directory_->path()); !done) co_return done.error();
  }
  static_cast<void>(co_await commit_abandoned());
  if (const Answer<void> done = read_journal(); !done) co_return done.error();
  std::unique_ptr<GroupSync> journal_sync;
  if (options_.pending && options_.pending->keeps()) {
    Answer<std::unique_ptr<GroupSync>> made = GroupSync::open(journal_->log_file());
    if (!made) co_return made.error();
    journal_sync = std::move(*made);
  }
  Answer<Peers::News> news = co_await look_at_others();
  if (!news) co_return news.error();
  if (const Answer<void> done = check_expected(*news); !done) co_return done.error();
  if (const Answer<void> done = co_await read_snapshot(news->snapshot); !done) co_return done.error();
  if (const Answer<void> done = co_await add(known_); !done) co_return done.error();
  if (const Answer<void> done = co_await read_logs(); !done) co_return done.error();
  if (!news->failure && peers_->is_complete()) {
    if (const Answer<void> done = journal_->set_seen_all(); !done) co_return done.error();
  }
  const bool is_shared = journal_->is_copy() || news->own_is_foreign;
  const bool becomes_another = is_shared || peers_->is_retired(journal_->writer());
  if (becomes_another) {
    const Answer<void> done = co_await become_another(is_shared);
    if (!done) co_return done.error();
    news->own.reset();
  }
  Mending mending = Mending::none;
  if (news->own_is_old && !becomes_another) {
    mending = mending_after(news->own, snapshot_);
    if (const Answer<void> marked = store_again_after(*journal_, news->own); !marked) co_return marked.error();
  }
  const Answer<bool> complete = names_all(news->own);
  if (!complete) co_return complete.error();
  const RunId run = draw_run(known_, snapshot_.included);
  const HybridClock clock = clock_of(run, *options_.clock, history_->last());
  auto ledger = std::make_shared<Ledger>(journal_, std::move(history_), clock);
  const bool head_is_old = news->own_is_old || !*complete;
  const std::uint64_t counter = news->own ? news->own->counter : 0;
  DiskParts parts{std::move(options_),
                  store_,
                  std::move(ledger),
                  std::move(peers_),
                  std::move(*directory_),
                  run,
                  head_is_old,
                  mending,
                  state_options_,
                  std::move(snapshot_),
                  is_away_,
                  std::move(journal_sync),
                  counter};
  co_return parts;
}

}  // namespace

asio::awaitable<Answer<DiskParts>> open_disk(asio::any_io_executor executor, IndexOptions options) {
  Opening opening{std::move(executor), std::move(options)};
  co_return co_await opening.run();
}

asio::awaitable<Answer<std::shared_ptr<Index>>> Index::open(asio::any_io_executor executor, IndexOptions options) {
  Answer<DiskParts> parts = co_await open_disk(executor, std::move(options));
  if (!parts) co_return parts.error();
  const auto index = std::make_shared<DiskIndex>(std::move(executor), std::move(*parts));
  index->start();
  co_return std::static_pointer_cast<Index>(index);
}

}  // namespace spotfs
