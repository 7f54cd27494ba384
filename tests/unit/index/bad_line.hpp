// A store on the other side of a bad line: questions and answers get lost, and what is stored may arrive late, in
// another order.
//
// Thread: one.
#pragma once

#include <algorithm>
#include <memory>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "fs/store/memory.hpp"

namespace spotfs {

class BadLine final : public BlobStore {
 public:
  explicit BadLine(std::shared_ptr<MemoryStore> store) : store_{std::move(store)} {}

  asio::awaitable<Answer<Bytes>> fetch(std::string key) override {
    if (fails()) co_return Failure{Errc::offline, key};
    co_return co_await store_->fetch(std::move(key));
  }
  asio::awaitable<Answer<void>> store(std::string key, Bytes bottle) override {
    if (fails()) co_return Failure{Errc::offline, key};
    if (fails()) {  // it is on its way, and nobody knows
      late_.emplace_back(key, std::move(bottle));
      co_return Failure{Errc::connection_lost, key};
    }
    const bool is_answered = !fails();
    if (!is_answered) stray_.insert(key);
    const Answer<void> stored = co_await store_->store(key, std::move(bottle));
    if (stored && !is_answered) co_return Failure{Errc::connection_lost, key};
    co_return stored;
  }
  asio::awaitable<Answer<void>> erase(std::string key) override {
    if (fails()) {
      stray_.insert(key);
      co_return Failure{Errc::offline, key};
    }
    co_return co_await store_->erase(std::move(key));
  }
  asio::awaitable<Answer<std::vector<Bytes>>> sync() override { return store_->sync(); }

  void set_quality(std::uint32_t percent_lost, std::uint32_t seed) {
    percent_ = percent_lost;
    random_.seed(seed);
  }
  // What was on its way arrives, in another order.
  void deliver() {
    std::ranges::shuffle(late_, random_);
    MemoryStore::Blobs blobs = store_->blobs();
    for (auto& [key, bottle] : late_) {
      stray_.insert(key);
      blobs[key] = std::move(bottle);
    }
    late_.clear();
    store_->set_blobs(std::move(blobs));
  }

  // It arrived late or unknown to who stored it, or could not be deleted at once: that one may have given it up.
  bool is_stray(const std::string& key) const { return stray_.contains(key); }

 private:
  bool fails() { return percent_ != 0 && random_() % 100 < percent_; }

  std::shared_ptr<MemoryStore> store_;
  std::uint32_t percent_ = 0;
  std::mt19937 random_;
  std::vector<std::pair<std::string, Bytes>> late_;
  std::set<std::string> stray_;
};

}  // namespace spotfs
