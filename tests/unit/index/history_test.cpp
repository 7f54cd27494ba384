#include "fs/index/history.hpp"

#include <algorithm>
#include <ctime>
#include <random>

#include <gtest/gtest.h>

#include "tests/unit/index/histories.hpp"

namespace spotfs {
namespace {

State state_after(std::vector<Operation> operations) {
  std::ranges::sort(operations, {}, &Operation::stamp);
  State out = fresh_state();
  for (const Operation& operation : operations) apply(out, operation);
  return out;
}

// What differs between two states, found by looking at all of both.
ChangeSet compare(const State& before, const State& after) {
  std::map<InodeId, std::pair<InodePtr, InodePtr>> inodes;
  std::map<Place, std::pair<std::optional<InodeId>, std::optional<InodeId>>> names;
  before.each_inode([&](const InodeId& id, const InodePtr& inode) { inodes[id].first = inode; });
  after.each_inode([&](const InodeId& id, const InodePtr& inode) { inodes[id].second = inode; });
  before.each_entry([&](const Place& place, const InodeId& id) { names[place].first = id; });
  after.each_entry([&](const Place& place, const InodeId& id) { names[place].second = id; });
  ChangeSet out;
  for (const auto& [id, both] : inodes)
    if (!both.first || !both.second || *both.first != *both.second) out.inodes.push_back(id);
  for (const auto& [place, both] : names)
    if (both.first != both.second) out.names.push_back(place);
  return out;
}

void expect_same(const ChangeSet& found, const ChangeSet& expected) {
  EXPECT_EQ(found.inodes, expected.inodes);
  EXPECT_EQ(found.names, expected.names);
}

// As three writers make them that see each other's from time to time.
std::vector<Operation> random_operations(std::uint32_t seed, std::size_t count) {
  std::mt19937 random{seed};
  struct Writer {
    RandomWriter make;
    std::vector<Operation> seen;
  };
  std::vector<Writer> writers;
  for (std::uint8_t run = 1; run <= 3; ++run) writers.push_back({RandomWriter{seed * 3 + run, run}, {}});
  std::vector<Operation> out;
  for (std::size_t i = 0; i < count; ++i) {
    Writer& writer = writers[random() % writers.size()];
    if (random() % 4 == 0) {
      writer.seen = out;
      for (const Operation& operation : out) writer.make.see(operation.stamp);
    }
    Operation next = writer.make.next(state_after(writer.seen));
    writer.seen.push_back(next);
    out.push_back(std::move(next));
  }
  return out;
}

TEST(History, OperationsInAnyOrderOfArrivalGiveTheStateOfTheirOrder) {
  std::mt19937 random{1};
  for (const VectorRow& row : vector_rows()) {
    for (int round = 0; round < 4; ++round) {
      std::vector<Operation> arriving = row.operations;
      std::ranges::shuffle(arriving, random);
      History history{{}};
      for (const Operation& operation : arriving) history.add(operation);
      ASSERT_EQ(to_json(history.state()), row.state);
      ASSERT_EQ(history.size(), row.operations.size());
      ASSERT_EQ(history.last(), row.operations.empty() ? Stamp{} : row.operations.back().stamp);
    }
  }
}

TEST(History, BatchesGiveTheStateThatIsComputedAfresh) {
  std::mt19937 random{2};
  for (std::uint32_t seed = 0; seed < 20; ++seed) {
    std::vector<Operation> arriving = random_operations(seed, 120), known;
    std::ranges::shuffle(arriving, random);
    History history{{}};
    while (!arriving.empty()) {
      std::vector<Operation> batch;
      for (std::size_t left = random() % 9; left > 0 && !arriving.empty(); --left) {
        batch.push_back(arriving.back());
        known.push_back(arriving.back());
        arriving.pop_back();
      }
      const State before = history.state();
      const ChangeSet changes = history.add(batch);
      ASSERT_EQ(describe(history.state()), describe(state_after(known)));
      expect_same(changes, compare(before, history.state()));
    }
    EXPECT_EQ(broken(history.state()), "");
  }
}

TEST(History, ReplacingGivesTheStateThatIsComputedAfresh) {
  std::mt19937 random{3};
  for (std::uint32_t seed = 0; seed < 20; ++seed) {
    const std::vector<Operation> all = random_operations(seed, 80);
    std::vector<bool> is_in(all.size());
    History history{{}};
    for (int round = 0; round < 30; ++round) {
      std::vector<Stamp> out{stamp_at(7)};  // one that is not there
      std::vector<Operation> in, known;
      for (std::size_t i = 0; i < all.size(); ++i) {
        if (random() % 8 == 0) {
          if (is_in[i])
            out.push_back(all[i].stamp);
          else
            in.push_back(all[i]);
          is_in[i] = !is_in[i];
        }
        if (is_in[i]) known.push_back(all[i]);
      }
      std::ranges::shuffle(in, random);
      std::ranges::shuffle(out, random);
      const State before = history.state();
      const ChangeSet changes = history.replace(out, in);
      ASSERT_EQ(describe(history.state()), describe(state_after(known)));
      expect_same(changes, compare(before, history.state()));
      ASSERT_EQ(history.size(), known.size());
    }
  }
}

TEST(History, AStampThatIsThereIsLeftOut) {
  const std::vector<Operation> operations = random_operations(1, 20);
  History history{{}};
  history.add(operations);
  const std::string before = describe(history.state());
  Operation other = operations[3];
  other.action = Set{kRoot, {.mode = 0, .uid = {}, .gid = {}, .atime = {}, .mtime = {}, .xattrs = {}}};
  expect_same(history.add(other), {});
  expect_same(history.add(std::vector{other, operations[5], operations[5]}), {});
  EXPECT_EQ(describe(history.state()), before);
  EXPECT_EQ(history.size(), 20u);
}

TEST(History, OfTwoNewOperationsWithOneStampTheFirstIsTaken) {
  const Stamp stamp = stamp_at(1'790'000'000'000);
  History history{{}};
  history.add({{stamp, Make{{kRoot, "first"}, std::nullopt, {}}}, {stamp, Make{{kRoot, "second"}, std::nullopt, {}}}});
  EXPECT_EQ(history.size(), 1u);
  EXPECT_TRUE(history.state().at(kRoot, "first"));
}

TEST(History, AnOperationIsReplacedByOneOfItsStamp) {
  const Stamp stamp = stamp_at(1'790'000'000'000);
  History history{{}};
  history.add({stamp, Make{{kRoot, "before"}, std::nullopt, {}}});
  const ChangeSet changes = history.replace({{stamp}}, {{stamp, Make{{kRoot, "after"}, std::nullopt, {}}}});
  EXPECT_FALSE(history.state().at(kRoot, "before"));
  EXPECT_EQ(history.state().at(kRoot, "after"), stamp);
  EXPECT_EQ(changes.names, (std::vector<Place>{{kRoot, "after"}, {kRoot, "before"}}));
}

TEST(History, KnowsWhatItContains) {
  History history{{}};
  EXPECT_EQ(history.last(), Stamp{});
  EXPECT_FALSE(history.contains(Stamp{}));
  history.add({stamp_at(5), Make{{kRoot, "a"}, std::nullopt, {}}});
  EXPECT_TRUE(history.contains(stamp_at(5)));
  EXPECT_FALSE(history.contains(stamp_at(6)));
}

TEST(History, InodesThatWereReadKeepTheirValue) {
  History history{{}};
  const Stamp file = stamp_at(10);
  history.add({file, Make{{kRoot, "a"}, std::nullopt, {}}});
  const InodePtr before = history.state().inode(file).value();
  Set set{file, {}};
  set.changes.mode = 0600;
  history.add({stamp_at(11), set});
  EXPECT_EQ(before->mode, 0u);
  EXPECT_EQ(history.state().inode(file).value()->mode, 0600u);
}

// A mount at start: it has to be quick, and so has each change after it.
TEST(History, TwentyThousandOperationsLoadInUnderASecond) {
  std::vector<Operation> operations;
  for (std::uint32_t i = 0; i < 20'000; ++i) {
    Make make{{kRoot, "file " + std::to_string(i)}, std::nullopt, {}};
    make.inode.version = stamp_at(1'790'000'000'000 + i, 1);
    make.inode.reference = reference_of(i);
    operations.push_back({stamp_at(1'790'000'000'000 + i), std::move(make)});
  }
  const auto cpu_seconds_of = [](const auto& run) {
    const std::clock_t start = std::clock();
    run();
    return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  };
  History at_once{{}}, one_by_one{{}};
  const double batch = cpu_seconds_of([&] { at_once.add(operations); });
  const double single = cpu_seconds_of([&] {
    for (const Operation& operation : operations) one_by_one.add(operation);
  });
  RecordProperty("batch_ms", static_cast<int>(batch * 1e3));
  RecordProperty("single_ms", static_cast<int>(single * 1e3));
#ifdef SPOT_SANITIZED
  constexpr double kLimit = 60;  // what is checked at each access is slower by far
#else
  constexpr double kLimit = 1;
#endif
  EXPECT_LT(batch, kLimit);
  EXPECT_LT(single, kLimit);
}

}  // namespace
}  // namespace spotfs
