// A store whose sync() keeps its word: what was stored before it is on the store's disk, also where the relay behind it
// has lost some of that in between.
//
// A relay acknowledges a store before it is on its disk. When its machine fails it may come back without what it
// acknowledged last, and then it is another run. So what was stored is remembered until a sync was answered by the run
// that took it; where another one answers, each is asked for, and stored again from memory or from a copy on this
// machine. What can't be is lost, and sync() fails with its key until it is stored again or erased.
//
// Where a value that others may change is there, but is not what was stored, it is taken for an older one that came
// back: nobody can tell.
//
// Thread: any. Lifetime: shared; `executor` runs work that keeps it: mending, during which nothing else is stored, and
// a sync whenever much is remembered. Errors: those of the store; sync(): lost, with a key as text.
// Memory: as Unsynced. Source: files.md, "fsync, fsyncdir".
#pragma once

#include <functional>
#include <memory>

#include <boost/asio/any_io_executor.hpp>

#include "client/base/sync.hpp"
#include "client/net/event.hpp"
#include "fs/store/blob_store.hpp"
#include "fs/store/unsynced.hpp"

namespace spotfs {

class DurableStore final : public BlobStore, public std::enable_shared_from_this<DurableStore> {
 public:
  struct Options {
    std::shared_ptr<BlobStore> store;
    asio::any_io_executor executor;
    std::function<std::optional<Bytes>(const std::string& key)> copy;  // on this machine; none: there are no copies
    std::function<void(std::string)> notice;                           // one line that a person should read
    std::size_t memory = std::size_t{64} << 20;                        // bytes of bottles
    std::size_t keys = 100'000;                                        // that are remembered, then they are synced
  };
  static std::shared_ptr<DurableStore> make(Options options) {
    return std::shared_ptr<DurableStore>{new DurableStore{std::move(options)}};
  }

  asio::awaitable<Answer<Bytes>> fetch(std::string key) override { return options_.store->fetch(std::move(key)); }
  asio::awaitable<Answer<void>> store(std::string key, Bytes bottle) override;
  asio::awaitable<Answer<void>> erase(std::string key) override;
  asio::awaitable<Answer<std::vector<Bytes>>> sync() override;
  bool is_lost(const std::string& key) const override;
  bool distrust(const std::string& key) override { return options_.store->distrust(key); }

 private:
  explicit DurableStore(Options options) : options_{std::move(options)}, state_{options_.memory} {}

  using EventPointer = std::shared_ptr<spot::Event>;
  struct Mending {
    const EventPointer alone = std::make_shared<spot::Event>();  // nothing that began before is under way
    const EventPointer over = std::make_shared<spot::Event>();
    Answer<void> result;  // valid once it is over
  };
  struct State {
    explicit State(std::size_t memory) : unsynced{memory} {}
    Unsynced unsynced;
    EventPointer learning;  // the first sync, until it is over
    std::size_t changing = 0;
    std::shared_ptr<Mending> mending;
    bool syncing = false;  // by itself
  };
  class Change;
  struct Mended;

  asio::awaitable<Answer<void>> learn_run();
  asio::awaitable<Result<void>> enter();
  void leave();
  void sync_soon();
  asio::awaitable<Answer<void>> mend();
  static asio::awaitable<Answer<void>> mend_all(std::shared_ptr<DurableStore> self, std::shared_ptr<Mending> mending);
  static asio::awaitable<Answer<void>> mend_one(std::shared_ptr<DurableStore> self, std::shared_ptr<Mended> mended,
                                                Unsynced::Stored stored);
  void tell(const Mended& mended) const;

  const Options options_;
  spot::Synchronized<State> state_;
};

}  // namespace spotfs
