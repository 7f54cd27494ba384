// What a mount shows, put together from the parts that are open.
#include <sys/statvfs.h>
#include <unistd.h>

#include "fs/index/state_directory.hpp"
#include "fs/tree/cards/cards.hpp"
#include "fs/tree/endpoints/endpoints.hpp"
#include "fs/tree/groups/groups.hpp"
#include "fs/tree/listen/listen.hpp"
#include "fs/tree/self/self.hpp"
#include "mount/filesystem.hpp"
#include "mount/log.hpp"

namespace spotfs::mount {

using spot::LogLevel;

namespace {

// A relay tells no size. df lists nothing of size 0, and many programs write nothing where none is free.
constexpr std::uint64_t kUnknownSize = std::uint64_t{1} << 50;  // bytes

tree::Space space_of(const std::filesystem::path& directory) {
  tree::Space space;
  struct statvfs info {};
  if (::statvfs(directory.c_str(), &info) != 0) return space;
  space.block_size = info.f_frsize;
  space.blocks = info.f_blocks;
  space.blocks_free = info.f_bavail;
  return space;
}

// As large as it is told to be; what is free is at most what the disk below has.
tree::Space resized(const tree::Space& disk, std::uint64_t size) {
  tree::Space space = disk;
  space.blocks = space.blocks_free = size / space.block_size;
  if (disk.blocks != 0) space.blocks_free = std::min(space.blocks, disk.blocks_free);
  return space;
}

// True: the cache had it.
asio::awaitable<bool> restored(const CachedStore* cache, std::shared_ptr<BlobStore> store, std::string key) {
  std::optional<spot::Bytes> copy = cache->copy(key);
  if (!copy) co_return false;
  const spot::Answer<void> stored = co_await store->store(std::move(key), *std::move(copy));
  co_return stored.has_value();
}

asio::awaitable<spot::Answer<spot::Bytes>> noted_query(std::shared_ptr<spot::Client> client,
                                                       std::shared_ptr<tree::LogBook> book, std::string target,
                                                       spot::Bytes body, milliseconds timeout) {
  spot::Answer<spot::Bytes> answer = co_await client->query(target, std::move(body), timeout);
  if (!answer) tree::note_query(*book, target, answer.error());
  co_return answer;
}

asio::awaitable<spot::Answer<void>> counted_send(std::shared_ptr<spot::Client> client,
                                                 std::shared_ptr<tree::Room> sending, std::string target,
                                                 spot::Bytes payload, std::string sender, spot::Timeout timeout) {
  tree::Share share{std::move(sending)};
  share.take(payload.size() + 1);
  co_return co_await client->send_to(std::move(target), std::move(payload), std::move(sender), timeout);
}

// Of all mounts of a disk on this machine.
std::optional<std::uint64_t> journal_bytes(const StateRoot& state, const BlobId& store) {
  std::uint64_t sum = 0;
  std::error_code ec;
  for (const std::filesystem::path& writer : state.writers(store)) {
    for (const char* const name : {"journal.db", "journal.db-wal"}) {
      const std::uintmax_t size = std::filesystem::file_size(writer / name, ec);
      if (!ec) sum += size;
    }
  }
  return sum;
}

}  // namespace

tree::Access Filesystem::access() const { return {owner(), group(), options_.default_permissions}; }

uid_t Filesystem::owner() const { return options_.uid.value_or(::getuid()); }
gid_t Filesystem::group() const { return options_.gid.value_or(::getgid()); }

tree::SpaceFunction Filesystem::space() const {
  const std::uint64_t size = relay_ || options_.size != 0 ? options_.size : kUnknownSize;
  return [directory = relay_ ? options_.source.directory : std::filesystem::path{}, size] {
    const tree::Space space = directory.empty() ? tree::Space{} : space_of(directory);
    return size == 0 ? space : resized(space, size);
  };
}

DiskSubtrees Filesystem::make_disk() {
  tree::BlobsOptions settings;
  settings.store = store_;
  settings.index = index_;
  settings.keys = keys_;
  settings.executor = loop_.context().get_executor();
  settings.notifier = notifier_;
  settings.access = access();
  settings.plain = options_.plain;
  settings.only_writer = relay_ && options_.listen.empty();
  settings.refresh = options_.refresh;
  settings.space = space();
  settings.log = [log = log_](const std::string& text) { log(LogLevel::warning, text); };
  std::vector<tree::NamedNode> hidden;
  if (options_.only_files) hidden.push_back(make_control());
  DiskSubtrees disk = make_disk_subtrees(std::move(settings), options_.memory, std::move(hidden));
  tree::ControlledDisk controlled;
  controlled.index = index_;
  controlled.store = pending_ ? pending_->over(remote_) : remote_;
  controlled.pending = pending_;
  controlled.keys = keys_;
  controlled.blobs = disk.blobs;
  controlled.changed = disk.changed;
  controlled.notifier = notifier_;
  controlled.flush = disk.flush;
  controlled.restore = [cache = &cached_, store = remote_](std::string key) {
    return restored(cache, store, std::move(key));
  };
  if (options_.scrub > 0ms) controlled.scrub = std::make_shared<tree::ScrubProgress>();
  controlled_->with([&](auto& there) { there = std::make_shared<const tree::ControlledDisk>(std::move(controlled)); });
  return disk;
}

tree::Choices Filesystem::choices() const {
  tree::Choices out;
  out.directory = directory_;
  out.identity = options_.identity.string();
  out.state = options_.state.string();
  if (cached_.figures() && options_.cache) out.cache = options_.cache->string();
  out.timeout = options_.timeout;
  out.query_timeout = options_.query_timeout;
  out.commit = options_.commit;
  out.refresh = options_.refresh;
  out.drain = options_.drain;
  out.writeback = options_.writeback;
  out.read_only = options_.read_only;
  out.require_binding = options_.require_binding;
  return out;
}

tree::SessionFigures Filesystem::session_figures() {
  const std::scoped_lock lock{mutex_};
  tree::SessionFigures out;
  if (!session_) return out;
  for (const OperationCount& one : session_->operation_counts())
    out.operations.push_back({one.name, one.failures, one.took});
  out.waiting = session_->waiting();
  out.open_handles = session_->open_handles();
  out.known_nodes = session_->known_nodes();
  return out;
}

tree::NamedNode Filesystem::make_control() {
  tree::ControlOptions settings;
  settings.executor = loop_.context().get_executor();
  settings.access = access();
  if (!options_.only_files) settings.peers = options_.peers;  // nor are there endpoints/ then
  settings.timeouts = timeouts_;
  settings.source = options_.source.text;
  settings.choices = choices();
  settings.client = client_;
  settings.book = book_;
  settings.session = [this] { return session_figures(); };
  settings.set_log_level = set_log_level;
  if (const auto state = StateRoot::open(options_.state, keys_->self().public_key().hash())) {
    settings.journal_bytes = [root = *state, controlled = controlled_]() -> std::optional<std::uint64_t> {
      const auto disk = controlled->with([](const auto& there) { return there; });
      if (!disk) return std::nullopt;
      return journal_bytes(root, disk->index->store_id());
    };
  }
  settings.disk = [controlled = controlled_] { return controlled->with([](const auto& disk) { return disk; }); };
  settings.only_files = options_.only_files;
  settings.cache = [cache = &cached_] { return cache->figures(); };
  return {".spotfs", tree::make_control(std::move(settings)), false};
}

std::vector<tree::NamedNode> Filesystem::make_late_subtrees() {
  DiskSubtrees disk = make_disk();
  return {{"blobs", std::move(disk.blobs)}, {"files", std::move(disk.files)}};
}

tree::NodePtr Filesystem::make_listen() const {
  tree::ListenOptions settings;
  settings.serve = [client = client_](std::string endpoint, spot::Taker taker, spot::HandlerOptions options) {
    return client->set_taker(std::move(endpoint), std::move(taker), options);
  };
  settings.sending = sending_;
  settings.send = [client = client_, sending = sending_](std::string target, spot::Bytes payload, std::string sender) {
    return counted_send(client, sending, std::move(target), std::move(payload), std::move(sender), {});
  };
  settings.executor = loop_.context().get_executor();
  settings.self = client_->target_id();
  settings.access = access();
  settings.timeout = options_.listen_timeout;
  settings.notifier = notifier_;
  settings.log = [book = book_](const std::string& text) { book->add_error(text); };
  settings.is_killed = [](pid_t tid) { return fuse::pending_signals(tid) == fuse::Signals::fatal; };
  return tree::make_listen(std::move(settings));
}

std::vector<tree::NamedNode> Filesystem::make_early_subtrees() {
  tree::EndpointsOptions settings;
  settings.query = [client = client_, book = book_](std::string target, spot::Bytes body, milliseconds timeout) {
    return noted_query(client, book, std::move(target), std::move(body), timeout);
  };
  settings.send = [client = client_, sending = sending_](std::string target, spot::Bytes payload, std::string sender,
                                                         milliseconds timeout) {
    return counted_send(client, sending, std::move(target), std::move(payload), std::move(sender), timeout);
  };
  settings.executor = loop_.context().get_executor();
  settings.self = client_->target_id();
  settings.access = access();
  settings.peers = options_.peers;
  settings.timeouts = timeouts_;
  return {{"cards", tree::make_cards(client_, access())},   {"endpoints", tree::make_endpoints(std::move(settings))},
          {"groups", tree::make_groups(client_, access())}, {"listen", make_listen()},
          {"self", tree::make_self(client_, access())},     make_control()};
}

tree::NodePtr Filesystem::make_root() {
  if (options_.only_files) return make_disk().files;
  std::vector<tree::NamedNode> subtrees = make_early_subtrees();
  if (!options_.delay_connect) {
    for (tree::NamedNode& late : make_late_subtrees()) subtrees.push_back(std::move(late));
    return tree::make_root(std::move(subtrees), access(), space());
  }
  auto root = std::make_shared<LateRoot>(
      std::move(subtrees), std::vector<std::string>{"blobs", "files"}, access(), space(),
      [client = client_, grace = options_.offline_grace] { return client->wait_online(grace); });
  begin_late(root);
  return root;
}

}  // namespace spotfs::mount
