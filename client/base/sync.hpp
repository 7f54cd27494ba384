// Data that lives inside its lock: it can be reached only while the lock is held.
//
//   Synchronized<Table> table_;
//   table_.with([&](Table& t) { return t.find(id); });
//
// Thread: any. Never call back into others, and never co_await, inside `with`.
#pragma once

#include <mutex>
#include <utility>

namespace spot {

template <class T>
class Synchronized {
 public:
  template <class... Args>
  explicit Synchronized(Args&&... args) : value_(std::forward<Args>(args)...) {}
  Synchronized(const Synchronized&) = delete;
  Synchronized& operator=(const Synchronized&) = delete;

  template <class F>
  decltype(auto) with(F&& use) {
    const std::lock_guard lock{mutex_};
    return std::forward<F>(use)(value_);
  }
  template <class F>
  decltype(auto) with(F&& use) const {
    const std::lock_guard lock{mutex_};
    return std::forward<F>(use)(value_);
  }

 private:
  mutable std::mutex mutex_;
  T value_;
};

}  // namespace spot
