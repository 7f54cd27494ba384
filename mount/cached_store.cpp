#include "mount/cached_store.hpp"

#include "mount/outcome.hpp"

namespace spotfs::mount {
namespace {

spot::Answer<std::unique_ptr<CacheDirectory>> open_directory(const Options& options, const StateRoot& state) {
  auto secret = state.cache_secret();
  if (!secret) return secret.error();
  CacheDirectory::Options settings;
  settings.directory = *options.cache / state.name();
  settings.secret = *std::move(secret);
  settings.scope = options.source.text;
  settings.limit = options.cache_size;
  return CacheDirectory::open(std::move(settings));
}

}  // namespace

spot::Answer<std::shared_ptr<BlobStore>> CachedStore::open(const Options& options, const StateRoot& state,
                                                           std::shared_ptr<BlobStore> store,
                                                           std::shared_ptr<spot::Client> client, const spot::Log& log) {
  if (!options.cache || options.cache->empty()) return store;
  auto directory = open_directory(options, state);
  if (!directory && !options.must_cache) {
    log(spot::LogLevel::warning, "goes on without a disk cache: " + line_of(directory.error()));
    return store;
  }
  if (!directory) return spot::Failure{directory.error().code, "option cache: " + line_of(directory.error())};
  DiskCache::Options settings;
  settings.store = std::move(store);
  settings.directory = directory_ = *std::move(directory);
  settings.offline = options.offline;
  settings.online = [client = std::move(client)] { return client->connection_count() != 0; };
  settings.background = writer_.emplace(1).get_executor();
  settings.notice = [log](const std::string& text) { log(spot::LogLevel::warning, text); };
  works_offline_ = options.offline == DiskCache::Offline::stale;
  return std::shared_ptr<BlobStore>{DiskCache::make(std::move(settings))};
}

std::optional<Bytes> CachedStore::copy(const std::string& key) const {
  return directory_ ? directory_->read(key) : std::nullopt;
}

std::optional<CacheFigures> CachedStore::figures() const {
  return directory_ ? std::optional{directory_->figures()} : std::nullopt;
}

void CachedStore::close() {
  if (writer_) writer_->join();
}

}  // namespace spotfs::mount
