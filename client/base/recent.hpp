// A table that forgets what was not used for the longest time.
//
// Thread: none of its own; it belongs behind its owner's lock.
#pragma once

#include <cstddef>
#include <list>
#include <map>
#include <optional>
#include <utility>

namespace spot {

template <class Key, class Value>
class Recent {
 public:
  // The weights of what is kept make at most `limit` in all; what is heavier is not kept.
  explicit Recent(std::size_t limit) : limit_{limit} {}

  // Null: not there. Valid until the next put or erase.
  Value* find(const Key& key) {
    const auto found = places_.find(key);
    if (found == places_.end()) return nullptr;
    items_.splice(items_.begin(), items_, found->second);
    return &found->second->value;
  }

  // Gives the last key that it forgot for this, if any.
  std::optional<Key> put(const Key& key, Value value, std::size_t weight = 1) {
    std::optional<Key> forgotten;
    erase(key);
    if (weight > limit_) return key;
    items_.push_front(Item{key, std::move(value), weight});
    places_.emplace(key, items_.begin());
    weight_ += weight;
    while (weight_ > limit_) {
      forgotten = items_.back().key;
      drop(std::prev(items_.end()));
    }
    return forgotten;
  }

  void erase(const Key& key) {
    const auto found = places_.find(key);
    if (found != places_.end()) drop(found->second);
  }

  std::size_t weight() const noexcept { return weight_; }

 private:
  struct Item {
    Key key;
    Value value;
    std::size_t weight;
  };
  using Place = typename std::list<Item>::iterator;

  void drop(Place place) {
    weight_ -= place->weight;
    places_.erase(place->key);
    items_.erase(place);
  }

  const std::size_t limit_;
  std::size_t weight_ = 0;
  std::list<Item> items_;  // the last used first
  std::map<Key, Place> places_;
};

}  // namespace spot
