// A store that keeps back what it is given, over one in memory, and a clock that a test sets.
#pragma once

#include <thread>

#include <boost/asio/io_context.hpp>

#include "fs/store/memory.hpp"
#include "fs/store/pending_store.hpp"
#include "tests/fake/run_on.hpp"
#include "tests/unit/spawn.hpp"
#include "tests/unit/store/cache_fixture.hpp"

namespace spotfs {

// A store that does not take some blobs, or loses what it did not sync.
class PickyStore final : public BlobStore {
 public:
  explicit PickyStore(std::shared_ptr<BlobStore> store) : store_{std::move(store)} {}

  asio::awaitable<Answer<Bytes>> fetch(std::string key) override { return store_->fetch(std::move(key)); }
  asio::awaitable<Answer<void>> store(std::string key, Bytes bottle) override {
    const auto at = refuses.find(key);
    if (at != refuses.end()) co_return Failure{at->second};
    co_return co_await store_->store(std::move(key), std::move(bottle));
  }
  asio::awaitable<Answer<void>> erase(std::string key) override { return store_->erase(std::move(key)); }
  asio::awaitable<Answer<std::vector<Bytes>>> sync() override {
    if (fails_to_sync) co_return Failure{std::exchange(fails_to_sync, std::error_code{})};
    co_return co_await store_->sync();
  }

  std::map<std::string, Errc> refuses;
  std::error_code fails_to_sync;  // once

 private:
  const std::shared_ptr<BlobStore> store_;
};

class PendingFixture : public CacheFiles {
 protected:
  using Fate = MemoryStore::Fate;
  using Verb = MemoryStore::Verb;

  PendingFixture() {
    std::filesystem::create_directory(state());
    answer_all();
    start();
  }
  ~PendingFixture() { kill(); }

  // As a mount that begins.
  void start(bool keeps = true, std::uint64_t limit = 1 << 20) {
    kill();
    context_ = std::make_unique<asio::io_context>(1);
    PendingStore::Options settings;
    settings.store = server_;
    settings.keeps = keeps;
    settings.limit = limit;
    settings.clock = &clock();
    settings.alarm = [this](const asio::any_io_executor& executor) { return alarm_ = make_alarm(executor); };
    settings.notice = [this](std::string line) { notices_.push_back(std::move(line)); };
    pending_ = PendingStore::make(context_->get_executor(), std::move(settings));
    EXPECT_TRUE(pending_->open(state()));
  }
  // As a mount that is killed: what its threads have not done stays undone.
  void kill() {
    pending_.reset();
    alarm_.reset();
    context_.reset();
  }

  std::filesystem::path state() const { return root() / "writer"; }
  static std::string content(int number) { return ".spotfs/c/" + std::to_string(number); }
  static Bytes bytes(std::string_view text) { return spot::to_bytes(text); }

  template <class T>
  T run(asio::awaitable<T> work) {
    return spot::fake::run_on(*context_, std::move(work));
  }
  template <class T>
  std::future<T> begin(asio::awaitable<T> work) {
    return spot::test::spawn(*context_, std::move(work));
  }
  template <class T>
  static bool is_ready(const std::future<T>& result) {
    return result.wait_for(std::chrono::seconds{0}) == std::future_status::ready;
  }
  // Runs all that can run, until that is so.
  void run_until(const std::function<bool()>& holds) {
    while (!holds()) {
      context_->restart();
      context_->poll();
      std::this_thread::yield();
    }
  }
  void pass(std::chrono::nanoseconds time) {
    clock().pass(time);
    alarm_->wake();
    for (int i = 0; i < 100; ++i) {
      context_->restart();
      context_->poll();
    }
  }
  Answer<void> put(const std::string& key, std::string_view value) {
    return run(pending_->store(key, spot::to_bytes(value)));
  }
  Answer<Bytes> fetch(const std::string& key) { return run(pending_->fetch(key)); }
  void drain() {
    run_until([this] { return pending_->status().count == 0; });
  }

  // What the server is asked is noted; content is held back until release().
  void answer_all(Fate fate = Fate::done) {
    memory_->set_plan([this, fate](Verb verb, std::string key) -> asio::awaitable<Fate> {
      note(verb, key);
      co_return fate;
    });
  }
  void go_offline() { answer_all(Fate::failed); }
  void hold_back() {
    gate_ = std::make_shared<spot::Event>();
    memory_->set_plan([this, gate = gate_](Verb verb, std::string key) -> asio::awaitable<Fate> {
      note(verb, key);
      const Result<void> waited = co_await spot::Event::wait(gate);
      co_return waited ? Fate::done : Fate::failed;
    });
  }
  void note(Verb verb, const std::string& key) {
    asked_.push_back((verb == Verb::store   ? "store "
                      : verb == Verb::erase ? "erase "
                      : verb == Verb::fetch ? "fetch "
                                            : "sync") +
                     key);
  }

  const std::shared_ptr<MemoryStore> memory_ = std::make_shared<MemoryStore>();
  const std::shared_ptr<PickyStore> server_ = std::make_shared<PickyStore>(memory_);
  std::vector<std::string> asked_, notices_;
  std::shared_ptr<spot::Event> gate_;
  std::unique_ptr<asio::io_context> context_;
  std::shared_ptr<Alarm> alarm_;
  std::shared_ptr<PendingStore> pending_;
};

}  // namespace spotfs
