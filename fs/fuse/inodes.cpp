#include "fs/fuse/inodes.hpp"

#include <utility>

#include "client/base/clock.hpp"

namespace spotfs::fuse {

Inodes::Inodes(NodePtr root)
    : generation_{static_cast<std::uint64_t>(spot::Clock::system().wall().time_since_epoch().count())} {
  tables_.with([&](Tables& t) {
    t.by_node.emplace(root.get(), root_id);
    t.by_id.emplace(root_id, Known{std::move(root), 1});
  });
}

std::uint64_t Inodes::remember(const NodePtr& node) {
  return tables_.with([&](Tables& t) {
    const auto [place, fresh] = t.by_node.try_emplace(node.get(), t.last_id + 1);
    if (fresh) t.by_id.emplace(++t.last_id, Known{node, 0});
    ++t.by_id.at(place->second).references;
    return place->second;
  });
}

void Inodes::forget(std::uint64_t id, std::uint64_t count) {
  if (id == root_id) return;
  NodePtr last;
  tables_.with([&](Tables& t) {
    const auto known = t.by_id.find(id);
    if (known == t.by_id.end()) return;
    if (known->second.references > count) {
      known->second.references -= count;
      return;
    }
    last = std::move(known->second.node);
    t.by_node.erase(last.get());
    t.by_id.erase(known);
  });
}

NodePtr Inodes::find(std::uint64_t id) const {
  return tables_.with([&](const Tables& t) {
    const auto known = t.by_id.find(id);
    return known == t.by_id.end() ? NodePtr{} : known->second.node;
  });
}

std::optional<std::uint64_t> Inodes::id_of(const Node* node) const {
  return tables_.with([&](const Tables& t) -> std::optional<std::uint64_t> {
    const auto known = t.by_node.find(node);
    if (known == t.by_node.end()) return std::nullopt;
    return known->second;
  });
}

std::size_t Inodes::size() const {
  return tables_.with([](const Tables& t) { return t.by_id.size(); });
}

void Inodes::clear() {
  std::unordered_map<std::uint64_t, Known> all;
  tables_.with([&](Tables& t) {
    all.swap(t.by_id);
    t.by_node.clear();
  });
}

}  // namespace spotfs::fuse
