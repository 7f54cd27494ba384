// One at a time for each key: what is stored, fetched or deleted under it happens in order.
//
// Thread: any. Lifetime: the locks outlive their guards. Errors: cancelled.
#pragma once

#include <deque>
#include <map>
#include <string>

#include "client/base/sync.hpp"
#include "client/net/one_shot.hpp"
#include "fs/tree/attributes.hpp"

namespace spotfs::tree {

namespace asio = boost::asio;

class KeyLocks {
 public:
  class Guard {
   public:
    Guard() = default;
    Guard(Guard&& other) noexcept : locks_{std::exchange(other.locks_, nullptr)}, key_{std::move(other.key_)} {}
    Guard& operator=(Guard&& other) noexcept {
      std::swap(locks_, other.locks_);
      std::swap(key_, other.key_);
      return *this;
    }
    ~Guard() {
      if (locks_ != nullptr) locks_->unlock(key_);
    }

   private:
    friend class KeyLocks;
    Guard(KeyLocks* locks, std::string key) : locks_{locks}, key_{std::move(key)} {}

    KeyLocks* locks_ = nullptr;
    std::string key_;
  };

  // Whoever holds several took them in the order of bytes.
  asio::awaitable<Result<Guard>> lock(std::string key);

 private:
  using Turn = spot::OneShot<Result<void>>;

  void unlock(const std::string& key);

  spot::Synchronized<std::map<std::string, std::deque<Turn::Pointer>>> held_;  // by key: who waits
};

}  // namespace spotfs::tree
