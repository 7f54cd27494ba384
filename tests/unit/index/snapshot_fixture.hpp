// Snapshots in a store in memory.
#pragma once

#include <gtest/gtest.h>

#include "fs/index/history.hpp"
#include "fs/index/record.hpp"
#include "fs/index/snapshot.hpp"
#include "fs/store/memory.hpp"
#include "tests/fake/run_on.hpp"
#include "tests/unit/index/histories.hpp"

namespace spotfs {

class SnapshotTest : public testing::Test {
 protected:
  SnapshotTest() {
    std::vector<spot::PrivateKey> keys{spot::PrivateKey::generate(spot::KeyType::p256).value()};
    auto chain = std::make_shared<const spot::Keychain>(spot::Keychain::of(std::move(keys)).value());
    StoreSecret secret;
    secret.id = spot::random_array<16>();
    secret.secret = spot::SecretBytes(32, 7);
    store_ =
        std::make_shared<const SealedStore>(blobs_, std::make_shared<const RecordSealer>(chain), std::move(secret));
    snapshots_ = std::make_unique<SnapshotStore>(context_.get_executor(), store_, StateOptions{});
  }

  template <class T>
  T run(asio::awaitable<T> work) {
    return spot::fake::run_on(context_, std::move(work));
  }

  Snapshot write(Frozen frozen) {
    const auto shared = std::make_shared<const Frozen>(std::move(frozen));
    fresh_ = 0;
    Answer<TreeShape> shape = run(snapshots_->write(shared, shape_, [this](const std::vector<BlobId>& fresh) {
      fresh_ += fresh.size();
      return Answer<void>{};
    }));
    EXPECT_TRUE(shape);
    shape_ = std::make_shared<const TreeShape>(std::move(*shape));
    Snapshot out;
    out.tree = {1, {}, shape_->root(), shape_->height()};
    return out;
  }
  // Only what `work` needs.
  template <class Target, class Work>
  auto read_for(Target& target, Work work) {
    return run(snapshots_->read_for(work, filler_of(target)));
  }
  // A snapshot of which only the last leaves are read.
  std::shared_ptr<LoadedSnapshot> open(const Snapshot& snapshot) {
    return run(open_shared(snapshots_.get(), snapshot));
  }
  static asio::awaitable<std::shared_ptr<LoadedSnapshot>> open_shared(const SnapshotStore* snapshots,
                                                                      Snapshot snapshot) {
    Answer<LoadedSnapshot> loaded = co_await snapshots->read(snapshot);
    EXPECT_TRUE(loaded);
    co_return std::make_shared<LoadedSnapshot>(std::move(*loaded));
  }
  void count_fetches() {
    blobs_->set_plan([this](MemoryStore::Verb verb, std::string) -> asio::awaitable<MemoryStore::Fate> {
      if (verb == MemoryStore::Verb::fetch) ++fetched_;
      co_return MemoryStore::Fate::done;
    });
  }
  std::size_t fetched() { return std::exchange(fetched_, 0); }
  void lose(const BlobId& node) {
    MemoryStore::Blobs without = blobs_->blobs();
    without.erase(content_key(node));
    blobs_->set_blobs(without);
  }

  using Loaded = Answer<std::shared_ptr<const LoadedSnapshot>>;
  Loaded read(const Snapshot& snapshot) { return run(read_shared(snapshots_.get(), snapshot)); }
  static asio::awaitable<Loaded> read_shared(const SnapshotStore* snapshots, Snapshot snapshot) {
    Answer<LoadedSnapshot> loaded = co_await snapshots->read(snapshot);
    if (!loaded) co_return loaded.error();
    State& state = loaded->state;
    const Answer<void> read = co_await snapshots->read_leaves(state.gaps().unread(), filler_of(state));
    if (!read) co_return read.error();
    if (const std::error_code why = state.gaps().lost()) co_return Failure{why};
    if (const Result<void> sound = state.check(); !sound) co_return Failure{sound.error()};
    loaded->shape = std::make_shared<const TreeShape>(with_hashes(*loaded->shape, state.hashes()));
    co_return std::make_shared<const LoadedSnapshot>(std::move(*loaded));
  }

  static Frozen frozen_of(const State& state) { return {state.contents(), {}}; }

  asio::io_context context_{1};
  std::shared_ptr<MemoryStore> blobs_ = std::make_shared<MemoryStore>();
  std::shared_ptr<const SealedStore> store_;
  std::unique_ptr<SnapshotStore> snapshots_;
  std::shared_ptr<const TreeShape> shape_ = std::make_shared<const TreeShape>();
  std::size_t fresh_ = 0;  // nodes of the last write
  std::size_t fetched_ = 0;
};

}  // namespace spotfs
