// What the kernel's file handles stand for.
//
// A handle is a number that is never given out twice, so that one which is not (or no longer) valid finds nothing.
//
// Thread: any.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "client/base/sync.hpp"

namespace spotfs::fuse {

template <class T>
class Handles {
 public:
  std::uint64_t add(std::shared_ptr<T> open) {
    return table_.with([&](Table& t) {
      t.open.emplace(++t.last, std::move(open));
      return t.last;
    });
  }
  std::shared_ptr<T> find(std::uint64_t handle) const {
    return table_.with([&](const Table& t) {
      const auto found = t.open.find(handle);
      return found == t.open.end() ? nullptr : found->second;
    });
  }
  // Whoever gets it is the one who releases it.
  std::shared_ptr<T> take(std::uint64_t handle) {
    return table_.with([&](Table& t) -> std::shared_ptr<T> {
      const auto found = t.open.find(handle);
      if (found == t.open.end()) return nullptr;
      std::shared_ptr<T> open = std::move(found->second);
      t.open.erase(found);
      return open;
    });
  }
  std::vector<std::shared_ptr<T>> take_all() {
    std::vector<std::shared_ptr<T>> all;
    table_.with([&](Table& t) {
      all.reserve(t.open.size());
      for (auto& [handle, open] : t.open) all.push_back(std::move(open));
      t.open.clear();
    });
    return all;
  }
  std::size_t size() const {
    return table_.with([](const Table& t) { return t.open.size(); });
  }

 private:
  struct Table {
    std::unordered_map<std::uint64_t, std::shared_ptr<T>> open;
    std::uint64_t last = 0;
  };
  spot::Synchronized<Table> table_;
};

}  // namespace spotfs::fuse
