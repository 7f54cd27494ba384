// A store with copies of its blobs on this machine.
//
//   content    .spotfs/c/…        never changes, so a copy is given without asking the store
//   values     what blobs/ shows  the store is always asked; only where nobody can be reached is a copy given
//   records    .spotfs/… beside   pass: the state directory keeps them, with what it must know to tell a rollback
//
// What is stored goes to the store first, and is kept once that has acknowledged it. Content is kept in the background:
// nobody waits for it, and what comes faster than the disk takes it is not kept. Values are kept before their operation
// returns, so that no copy is older than what someone has seen.
//
// The store is away from when an operation waited for a connection in vain until there is one again: meanwhile no fetch
// waits for one. With Offline::fail each does.
//
// Thread: any. Lifetime: shared; `background` runs work that keeps it. Errors: those of the store; a copy that can't be
// written is told once. Memory: at most kWaiting of what is still to be written. Source: files.md, "Disk cache".
#pragma once

#include <atomic>
#include <functional>
#include <map>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/strand.hpp>

#include "fs/store/blob_store.hpp"
#include "fs/store/cache_directory.hpp"

namespace spotfs {

class DiskCache final : public BlobStore, public std::enable_shared_from_this<DiskCache> {
 public:
  enum class Offline {
    stale,  // copies are given also while nobody can be reached
    fail,   // then there is nothing, as without a cache
  };
  struct Options {
    std::shared_ptr<BlobStore> store;
    std::shared_ptr<CacheDirectory> directory;
    Offline offline = Offline::stale;
    std::function<bool()> online;      // is there a connection?
    asio::any_io_executor background;  // may be held up by the disk
    std::function<void(std::string)> notice;
  };
  static constexpr std::size_t kWaiting = std::size_t{32} << 20;  // bytes

  static std::shared_ptr<DiskCache> make(Options options);

  asio::awaitable<Answer<Bytes>> fetch(std::string key) override;
  asio::awaitable<Answer<void>> store(std::string key, Bytes bottle) override;
  asio::awaitable<Answer<void>> erase(std::string key) override;
  asio::awaitable<Answer<std::vector<Bytes>>> sync() override { return options_.store->sync(); }
  bool is_lost(const std::string& key) const override { return options_.store->is_lost(key); }
  bool distrust(const std::string& key) override { return options_.directory->remove(key); }

 private:
  explicit DiskCache(Options options);
  class Turn;
  struct Operations {
    std::size_t count = 0;
    bool overlapped = false;
  };

  asio::awaitable<Answer<Bytes>> ask(std::string key);
  asio::awaitable<Answer<Bytes>> fetch_content(std::string key);
  asio::awaitable<Answer<Bytes>> fetch_value(std::string key);
  asio::awaitable<Answer<void>> change_value(std::string key, std::optional<Bytes> bottle);  // none: erases

  bool is_away();
  void heard(std::error_code error);
  void keep(std::string key, Bytes bottle);
  void in_background(std::function<void(CacheDirectory&)> work);
  Answer<void> write(const std::string& key, const Bytes& bottle);

  const Options options_;
  const asio::strand<asio::any_io_executor> background_;
  std::atomic<bool> unheard_{true};  // nobody has answered since there was no connection
  std::atomic<bool> told_{false};
  std::atomic<std::size_t> waiting_{0};                           // bytes that are to be written
  spot::Synchronized<std::map<std::string, Operations>> values_;  // under way
};

}  // namespace spotfs
