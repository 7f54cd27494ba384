// Nodes by what they are for: the same entry is the same node for as long as anyone has it.
//
// Thread: any. Lifetime: keeps none of the nodes; a node's destructor calls forget().
#pragma once

#include <map>
#include <vector>

#include "client/base/sync.hpp"
#include "fs/tree/attributes.hpp"

namespace spotfs::tree {

template <class Key, class Item = Node>
class NodeTable {
 public:
  using Pointer = std::shared_ptr<Item>;

  // The one that is there, or what `make` makes; it must not use the table.
  template <class Make>
  Pointer get(const Key& key, Make&& make) {
    return items_.with([&](Items& items) {
      std::weak_ptr<Item>& known = items[key];
      Pointer there = known.lock();
      if (!there) known = there = make();
      return there;
    });
  }
  Pointer find(const Key& key) const {
    return items_.with([&](const Items& items) -> Pointer {
      const auto known = items.find(key);
      return known == items.end() ? nullptr : known->second.lock();
    });
  }
  std::vector<Pointer> all() const {
    return items_.with([](const Items& items) {
      std::vector<Pointer> there;
      for (const auto& [key, known] : items) {
        if (Pointer item = known.lock()) there.push_back(std::move(item));
      }
      return there;
    });
  }
  void forget(const Key& key) {
    items_.with([&](Items& items) {
      const auto known = items.find(key);
      if (known != items.end() && known->second.expired()) items.erase(known);
    });
  }

 private:
  using Items = std::map<Key, std::weak_ptr<Item>>;
  spot::Synchronized<Items> items_;
};

}  // namespace spotfs::tree
