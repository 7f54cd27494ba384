// What a mount shows, put together from the parts that are open.
#include <sys/statvfs.h>
#include <unistd.h>

#include "fs/tree/endpoints/endpoints.hpp"
#include "fs/tree/listen/listen.hpp"
#include "fs/tree/self/self.hpp"
#include "mount/filesystem.hpp"

namespace spotfs::mount {

using spot::LogLevel;

namespace {

tree::Space space_of(const std::filesystem::path& directory) {
  tree::Space space;
  struct statvfs info {};
  if (::statvfs(directory.c_str(), &info) != 0) return space;
  space.block_size = info.f_frsize;
  space.blocks = info.f_blocks;
  space.blocks_free = info.f_bavail;
  return space;
}

// True: the cache had it.
asio::awaitable<bool> restored(const CachedStore* cache, std::shared_ptr<BlobStore> store, std::string key) {
  std::optional<spot::Bytes> copy = cache->copy(key);
  if (!copy) co_return false;
  const spot::Answer<void> stored = co_await store->store(std::move(key), *std::move(copy));
  co_return stored.has_value();
}

}  // namespace

tree::Access Filesystem::access() const {
  return {::getuid(), ::getgid(), options_.allow_other || options_.default_permissions};
}

tree::SpaceFunction Filesystem::space() const {
  if (!relay_) return {};
  return [directory = options_.source.directory] { return space_of(directory); };
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
  controlled.flush = disk.flush;
  controlled.restore = [cache = &cached_, store = remote_](std::string key) {
    return restored(cache, store, std::move(key));
  };
  if (options_.scrub > 0ms) controlled.scrub = std::make_shared<tree::ScrubProgress>();
  controlled_->with([&](auto& there) { there = std::make_shared<const tree::ControlledDisk>(std::move(controlled)); });
  return disk;
}

tree::NamedNode Filesystem::make_control() const {
  tree::ControlOptions settings;
  settings.executor = loop_.context().get_executor();
  settings.access = access();
  settings.source = options_.source.text;
  settings.client = client_;
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
  settings.send = [client = client_](std::string target, spot::Bytes payload, std::string sender) {
    return client->send_to(std::move(target), std::move(payload), std::move(sender));
  };
  settings.executor = loop_.context().get_executor();
  settings.self = client_->target_id();
  settings.access = access();
  settings.timeout = options_.listen_timeout;
  settings.notifier = notifier_;
  return tree::make_listen(std::move(settings));
}

std::vector<tree::NamedNode> Filesystem::make_early_subtrees() const {
  tree::EndpointsOptions settings;
  settings.query = [client = client_](std::string target, spot::Bytes body, milliseconds timeout) {
    return client->query(std::move(target), std::move(body), timeout);
  };
  settings.send = [client = client_](std::string target, spot::Bytes payload, std::string sender) {
    return client->send_to(std::move(target), std::move(payload), std::move(sender));
  };
  settings.executor = loop_.context().get_executor();
  settings.self = client_->target_id();
  settings.access = access();
  settings.peers = options_.peers;
  settings.query_timeout = options_.query_timeout;
  return {{"endpoints", tree::make_endpoints(std::move(settings))},
          {"listen", make_listen()},
          {"self", tree::make_self(client_, access())},
          make_control()};
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
