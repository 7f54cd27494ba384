#include "fs/index/btree.hpp"

#include <map>
#include <random>

#include <gtest/gtest.h>

#include "client/bottle/cbor.hpp"

namespace spotfs {
namespace {

using Items = std::map<std::string, std::uint64_t>;

// One level of a tree, and the plaintexts of its nodes.
struct Level {
  std::vector<NodeRef> nodes;
  std::map<BlobId, Bytes> plaintexts;
  std::size_t stored = 0;  // by the last write
};

void write(Level& level, const Items& items) {
  LevelWriter writer{0, level.nodes};
  std::vector<NodeRef> nodes;
  level.stored = 0;
  const auto take = [&] {
    while (auto written = writer.next()) {
      if (!written->fresh.empty()) {
        ++level.stored;
        EXPECT_TRUE(level.plaintexts.emplace(written->node.id, written->fresh).second);
      }
      nodes.push_back(written->node);
    }
  };
  for (const auto& [key, value] : items) {
    writer.add(spot::view(key), spot::cbor::Writer{}.put(value).take());
    take();
  }
  writer.finish();
  take();
  level.nodes = std::move(nodes);
}

Items read(const Level& level) {
  Items out;
  for (const NodeRef& node : level.nodes) {
    const auto visit = [&](BytesView key, BytesView value) -> Result<void> {
      spot::cbor::Reader reader{value};
      out.emplace(spot::to_string(key), reader.read_unsigned().value());
      return {};
    };
    EXPECT_TRUE(read_node(level.plaintexts.at(node.id), 0, node.first, visit));
  }
  return out;
}

std::string key_of(std::uint64_t number) {
  std::string digits = std::to_string(number);
  return std::string(10 - digits.size(), '0') + digits + std::string(20, 'k');
}

Items numbers(std::size_t count) {
  Items out;
  for (std::size_t i = 0; i < count; ++i) out.emplace(key_of(i * 10), i);
  return out;
}

TEST(BTree, ATreeThatHasNotChangedStoresNothing) {
  Level level;
  const Items items = numbers(5'000);
  write(level, items);
  EXPECT_GT(level.nodes.size(), 10u);
  const std::size_t nodes = level.nodes.size();
  write(level, items);
  EXPECT_EQ(level.stored, 0u);
  EXPECT_EQ(level.nodes.size(), nodes);
}

TEST(BTree, OneChangedItemStoresOneNode) {
  Level level;
  Items items = numbers(5'000);
  write(level, items);
  items[key_of(25'000)] = 7;
  write(level, items);
  EXPECT_EQ(level.stored, 1u);
  EXPECT_EQ(read(level), items);
}

TEST(BTree, AnItemBeforeTheFirstGoesIntoTheFirstNode) {
  Level level;
  Items items = numbers(5'000);
  write(level, items);
  items["!"] = 7;
  write(level, items);
  EXPECT_EQ(level.stored, 1u);
  EXPECT_EQ(read(level), items);
}

TEST(BTree, WhatRemainsOfANodeIsMergedWithItsNeighbour) {
  Level level;
  Items items = numbers(5'000);
  write(level, items);
  const std::size_t nodes = level.nodes.size();
  const std::string first = spot::to_string(level.nodes[3].first), next = spot::to_string(level.nodes[4].first);
  items.erase(std::next(items.find(first)), items.find(next));
  write(level, items);
  EXPECT_EQ(level.nodes.size(), nodes - 1);
  EXPECT_EQ(read(level), items);
}

TEST(BTree, ManyNewItemsInOnePlaceSplitANode) {
  Level level;
  Items items = numbers(1'000);
  write(level, items);
  for (std::uint64_t i = 1; i < 2'000; ++i) items.emplace(key_of(5'000) + key_of(i), i);
  write(level, items);
  EXPECT_EQ(read(level), items);
  for (const NodeRef& node : level.nodes) EXPECT_LE(level.plaintexts.at(node.id).size(), NodeSizes{}.most);
}

TEST(BTree, StaysWithinItsBoundsWhateverChanges) {
#ifdef SPOT_SANITIZED
  constexpr std::uint32_t kSeeds = 2;
#else
  constexpr std::uint32_t kSeeds = 20;
#endif
  for (std::uint32_t seed = 1; seed <= kSeeds; ++seed) {
    std::mt19937 random{seed};
    Level level;
    Items items;
    for (int round = 0; round < 30; ++round) {
      const std::uint64_t begin = random() % 20'000, count = random() % 3'000;
      const bool removes = random() % 2 == 0;
      for (std::uint64_t i = 0; i < count; ++i) {
        const std::string key = key_of(begin + random() % (count * 2));
        if (removes)
          items.erase(key);
        else
          items[key] = random();
      }
      if (items.empty()) continue;
      write(level, items);
      ASSERT_EQ(read(level), items) << "seed " << seed;
      for (std::size_t i = 0; i < level.nodes.size(); ++i) {
        const std::size_t size = level.plaintexts.at(level.nodes[i].id).size();
        ASSERT_LE(size, NodeSizes{}.most) << "seed " << seed;
        // Sizes are reckoned with the longest heads of items, so a node may be somewhat smaller than it seems.
        if (level.nodes.size() > 1) {
          ASSERT_GE(size, NodeSizes{}.least * 3 / 4) << "seed " << seed;
        }
      }
    }
  }
}

TEST(BTree, RefusesANodeInAnotherPlaceThanItsParentSays) {
  Level level;
  write(level, numbers(10));
  const Bytes& plaintext = level.plaintexts.at(level.nodes[0].id);
  const ItemVisitor visit = [](BytesView, BytesView) -> Result<void> { return {}; };
  EXPECT_TRUE(read_node(plaintext, 0, level.nodes[0].first, visit));
  EXPECT_TRUE(read_node(plaintext, 0, std::nullopt, visit));
  EXPECT_EQ(read_node(plaintext, 0, spot::view("other"), visit).error(), Errc::malformed);
  EXPECT_EQ(read_node(plaintext, 1, level.nodes[0].first, visit).error(), Errc::malformed);
}

TEST(BTree, RefusesKeysThatDoNotRiseAndNodesThatAreCut) {
  const auto node = [](std::initializer_list<std::string_view> keys) {
    spot::cbor::Writer out;
    out.put_array(keys.size() + 1).put(0);
    for (const std::string_view key : keys) out.put_array(2).put_bytes(spot::view(key)).put(1);
    return out.take();
  };
  const ItemVisitor visit = [](BytesView, BytesView) -> Result<void> { return {}; };
  EXPECT_TRUE(read_node(node({"a", "b"}), 0, std::nullopt, visit));
  for (const Bytes& bad : {node({"b", "a"}), node({"a", "a"}), node({})})
    EXPECT_EQ(read_node(bad, 0, std::nullopt, visit).error(), Errc::malformed);
  Bytes cut = node({"a", "b"});
  cut.pop_back();
  EXPECT_FALSE(read_node(cut, 0, std::nullopt, visit));
  cut = node({"a", "b"});
  cut.push_back(0);
  EXPECT_FALSE(read_node(cut, 0, std::nullopt, visit));
}

}  // namespace
}  // namespace spotfs
