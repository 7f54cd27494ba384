// A store before another one, which keeps what is stored on this machine's disk first and uploads it afterwards.
//
//   content    .spotfs/c/…        and
//   values     what blobs/ shows  are sealed when they come; a store, and the erasure of a value, has happened once it
//   is
//                                 in the queue on the disk. From then on that is what fetch() gives
//   records    .spotfs/… beside   pass at once. Whoever stores a record that names contents waits for uploaded() first:
//                                 so nothing names a chunk that the store has not got
//
// Uploads go in the order of the stores, kAtOnce at a time; a value waits for the contents that came before it, and of
// two values of a key only the newer one is uploaded. What the store has acknowledged leaves the queue once a sync()
// has put it on the store's disk. Where the store is away or has no room, all wait, 1 s to 30 s, and one tries; a blob
// that it refuses waits alone, and stays until it is taken or removed.
//
// Without `keeps`, stores go to the store at once, but for keys that an earlier mount has left in the queue: these
// follow in it, and return when the store has them.
//
// Thread: any; `notice` on any. Lifetime: shared; open() starts a loop on `executor` that keeps it until end().
// Errors: those of the store, where it is asked; those of PendingQueue; ENOSPC where the limit is reached and no room
// is made for as long as `patience`; stopping. Memory: kInMemory of bottles, and what is on its way.
// Source: files.md, "writeback".
#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>

#include <boost/asio/strand.hpp>

#include "client/base/clock.hpp"
#include "client/base/sync.hpp"
#include "client/net/event.hpp"
#include "client/net/one_shot.hpp"
#include "fs/store/alarm.hpp"
#include "fs/store/blob_store.hpp"
#include "fs/store/pending_queue.hpp"

namespace spotfs {

struct PendingStatus {
  std::size_t count = 0;                 // blobs, those to be erased among them
  std::uint64_t bytes = 0;               // of their bottles
  std::optional<std::int64_t> since;     // of the oldest, Unix seconds
  std::string last_error;                // empty: the last try went well
  std::optional<std::int64_t> next_try;  // Unix seconds; none: under way
  struct Value {
    std::string key;
    std::size_t size = 0;  // of its bottle
    bool erases = false;
    std::int64_t since = 0;
    std::string error;  // why the store does not take it
  };
  std::vector<Value> values;  // the first kMaxListed
  static constexpr std::size_t kMaxListed = 1'000;
};

class PendingStore final : public BlobStore, public std::enable_shared_from_this<PendingStore> {
 public:
  struct Options {
    std::shared_ptr<BlobStore> store;  // required
    bool keeps = false;
    std::uint64_t limit = std::uint64_t{1} << 30;  // bytes of bottles
    std::chrono::milliseconds patience{30'000};
    const spot::Clock* clock = &spot::Clock::system();
    AlarmFactory alarm = make_alarm;
    std::function<void(std::string)> notice;  // one line that a person should read; none: not told
  };
  static constexpr std::size_t kAtOnce = 16;
  static constexpr std::size_t kInMemory = std::size_t{16} << 20;  // bytes

  static std::shared_ptr<PendingStore> make(asio::any_io_executor executor, Options options);

  // From here on the queue is in this directory, which the caller has locked; before, all passes. Once. Without `keeps`
  // none is made where there is none.
  Answer<void> open(const std::filesystem::path& directory);
  // Another one on the same store, without `keeps`, for what was left in another directory.
  std::shared_ptr<PendingStore> sibling() const;
  bool keeps() const noexcept { return options_.keeps; }
  bool has_queue() const noexcept { return is_open_; }

  asio::awaitable<Answer<Bytes>> fetch(std::string key) override;
  asio::awaitable<Answer<void>> store(std::string key, Bytes bottle) override;
  asio::awaitable<Answer<void>> erase(std::string key) override;
  // Returns when all that was stored before is uploaded, and on the store's disk.
  asio::awaitable<Answer<std::vector<Bytes>>> sync() override;
  bool is_lost(const std::string& key) const override { return options_.store->is_lost(key); }
  bool distrust(const std::string& key) override { return options_.store->distrust(key); }

  // Returns when all that was stored before is acknowledged by the store, but for values that it refuses. Tries at once
  // where the store was away, and fails where it still is.
  asio::awaitable<Answer<void>> uploaded();
  bool is_all_uploaded() const;  // has uploaded() nothing to wait for?
  // What is pending for this key: a bottle, or not_found where it is to be erased; none: nothing is.
  std::optional<Answer<Bytes>> kept(const std::string& key);
  // `store`, as those see it who fetch what is pending from here and store at once: it must be the one beneath, or one
  // that shows the same. erase() is this one's.
  std::shared_ptr<BlobStore> over(std::shared_ptr<BlobStore> store);

  // The store may be there again: tries at once.
  void retry();
  // No upload is begun any more, and whoever waits gets stopping. What is left stays in the queue.
  void end();
  // After end(), when nobody uses it: the queue is written, and its thread has ended.
  void close();

  PendingStatus status() const;  // without the values
  PendingStatus list() const;

 private:
  using Clock = spot::Clock;
  using Done = spot::OneShot<Answer<void>>;
  enum class Strict { yes, no };  // are values meant that the store refuses?

  struct Entry {
    PendingQueue::Row row;
    Bottle bottle;               // null: in the queue alone
    bool may_be_stored = false;  // an upload of it was begun, by this mount or by one before
    bool acknowledged = false;
    std::optional<Failure> refusal;
    Clock::Steady again{};  // not before, after a refusal
    std::chrono::nanoseconds pause{};
  };
  struct Upload {
    std::int64_t number = 0;
    std::string key;
    Bottle bottle;
    bool erases = false;
  };
  struct Waiter {
    std::int64_t last = 0;  // that it waits for
    Strict strict = Strict::no;
    Done::Pointer done;
  };
  struct RoomWaiter {
    std::uint64_t bytes = 0;
    Clock::Steady since{};
    Done::Pointer done;
  };
  struct State {
    std::map<std::int64_t, Entry> entries;  // in the queue, and not removed
    std::unordered_map<std::string, std::int64_t> by_key;
    std::set<std::int64_t> contents, values, refused;            // of the entries, those that are not acknowledged
    std::vector<std::int64_t> acknowledged;                      // those that no sync() followed yet
    std::map<std::string, std::shared_ptr<spot::Event>> flying;  // keys whose upload is under way
    std::int64_t last = 0;                                       // number that was given
    std::uint64_t bytes = 0;                                     // of entries and of what is being put
    std::size_t in_memory = 0;                                   // bytes of their bottles
    std::vector<Waiter> waiters;
    std::deque<RoomWaiter> wanting_room;
    Clock::Steady made_room{};
    std::size_t workers = 0;
    bool settling = false, ended = false;
    // The store is away.
    bool away = false;
    Clock::Steady again{};
    std::chrono::nanoseconds pause{};
    Failure why;
  };
  using Answered = std::vector<std::pair<Done::Pointer, Answer<void>>>;

  PendingStore(asio::any_io_executor executor, Options options);
  Clock::Steady now() const { return options_.clock->steady(); }
  std::int64_t unix_seconds() const;
  void tell(const std::string& line) const;

  // Stores.
  bool takes(const std::string& key) const;
  asio::awaitable<Answer<void>> make_room(std::uint64_t bytes);
  asio::awaitable<Answer<void>> put(std::string key, Bottle bottle);
  void was_put(PendingQueue::Row row, Bottle bottle, const Answer<void>& done);
  void add(State& state, PendingQueue::Row row, Bottle bottle, bool may_be_stored);
  void drop(State& state, std::int64_t number);
  void free_bytes(State& state, std::uint64_t bytes);
  asio::awaitable<Answer<void>> erase_content(std::string key);

  // Uploads.
  void start();
  std::optional<Upload> take(State& state) const;
  std::optional<std::int64_t> next_number(const State& state) const;
  static asio::awaitable<void> work(std::shared_ptr<PendingStore> self, Upload upload);
  asio::awaitable<Answer<void>> carry_out(const Upload& upload);
  std::optional<Upload> landed(const Upload& upload, const Answer<void>& done);
  void acknowledge(State& state, Entry& entry);
  void refuse(State& state, Entry& entry, const Failure& why);
  void go_away(State& state, const Failure& why);
  bool should_settle(const State& state) const;
  static asio::awaitable<Answer<std::vector<Bytes>>> settle(std::shared_ptr<PendingStore> self);

  // Those who wait.
  asio::awaitable<Answer<void>> wait_for(std::int64_t last, Strict strict);
  static bool is_met(const State& state, const Waiter& waiter);
  static Answered take_met(State& state);
  static Answered take_failed(State& state, const Failure& why, const std::function<bool(const Waiter&)>& is_concerned);
  static void give(const Answered& answered);
  void expire_room(State& state, Answered& answered) const;

  static asio::awaitable<void> run(std::shared_ptr<PendingStore> self);
  std::chrono::nanoseconds next_wait(const State& state) const;
  PendingStatus status_of(const State& state) const;

  const asio::any_io_executor executor_;
  const asio::strand<asio::any_io_executor> strand_;  // of the loop
  const Options options_;
  const std::shared_ptr<Alarm> alarm_;
  mutable spot::Synchronized<State> state_;
  std::atomic<bool> is_open_{false};
  std::unique_ptr<PendingQueue> queue_;  // last: its thread uses the others
};

}  // namespace spotfs
