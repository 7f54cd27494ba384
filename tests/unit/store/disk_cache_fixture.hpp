// A disk cache over a store in memory. What it does in the background happens when the test says so.
#pragma once

#include <boost/asio/io_context.hpp>

#include "fs/store/disk_cache.hpp"
#include "fs/store/memory.hpp"
#include "tests/fake/run_on.hpp"
#include "tests/unit/store/cache_fixture.hpp"

namespace spotfs {

class DiskCacheFixture : public CacheFiles {
 protected:
  using Fate = MemoryStore::Fate;
  using Verb = MemoryStore::Verb;
  using Offline = DiskCache::Offline;

  DiskCacheFixture() { start(); }

  // As a mount that begins.
  void start(Offline offline = Offline::stale) {
    settle();
    DiskCache::Options settings;
    settings.store = memory_;
    settings.directory = open();
    settings.offline = offline;
    settings.online = [this] { return online_.load(); };
    settings.background = background_.get_executor();
    settings.notice = [this](std::string line) { notices_.push_back(std::move(line)); };
    cache_ = DiskCache::make(std::move(settings));
  }
  void settle() {
    background_.restart();
    background_.run();
  }
  // The server is away, or there again.
  void go_offline() {
    online_ = false;
    set_fate(Fate::failed);
  }
  void go_online() {
    online_ = true;
    set_fate(Fate::done);
  }
  void set_fate(Fate fate) {
    memory_->set_plan([this, fate](Verb, std::string) -> asio::awaitable<Fate> {
      ++asked_;
      co_return fate;
    });
  }
  std::size_t asked() { return asked_.exchange(0); }  // since the last time

  template <class T>
  T run(asio::awaitable<T> work) {
    return spot::fake::run_on(context_, std::move(work));
  }
  BlobStore& store() { return *cache_; }
  Answer<Bytes> fetch(const std::string& key) { return run(cache_->fetch(key)); }
  Answer<void> put(const std::string& key, std::string_view value) {
    return run(cache_->store(key, spot::to_bytes(value)));
  }
  static Bytes bytes(std::string_view text) { return spot::to_bytes(text); }
  // What another client stores.
  void change(const std::string& key, std::string_view value) {
    MemoryStore::Blobs blobs = memory_->blobs();
    blobs[key] = spot::to_bytes(value);
    memory_->set_blobs(std::move(blobs));
  }

  asio::io_context context_{1}, background_{1};
  const std::shared_ptr<MemoryStore> memory_ = std::make_shared<MemoryStore>();
  std::shared_ptr<DiskCache> cache_;
  std::atomic<bool> online_{true};
  std::atomic<std::size_t> asked_{0};
  std::vector<std::string> notices_;
};

}  // namespace spotfs
