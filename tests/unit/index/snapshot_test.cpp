// Snapshots in a store, and histories over them.
#include "tests/unit/index/snapshot_fixture.hpp"

namespace spotfs {
namespace {

// A state that one writer made, and its history.
std::vector<Operation> operations_of(std::uint32_t seed, std::size_t count) {
  RandomWriter writer{seed, 1};
  State state = fresh_state();
  std::vector<Operation> out;
  for (std::size_t i = 0; i < count; ++i) {
    out.push_back(writer.next(state));
    apply(state, out.back());
  }
  return out;
}

State state_after(const std::vector<Operation>& operations, State state = fresh_state()) {
  for (const Operation& operation : operations) apply(state, operation);
  return state;
}

State with_files(std::size_t count) {
  State state = fresh_state();
  for (std::size_t i = 0; i < count; ++i) {
    Make make;
    make.at = {kRoot, "file number " + std::to_string(i)};
    make.inode.mode = 0644;
    apply(state, {stamp_at(1'790'000'000'000 + i), make});
  }
  return state;
}

TEST_F(SnapshotTest, GivesBackEveryStateAsItWas) {
  for (std::uint32_t seed = 1; seed <= 30; ++seed) {
    const State state = state_after(operations_of(seed, 200));
    Frozen frozen = frozen_of(state);
    frozen.included.add(stamp_at(5, 0, 1));
    frozen.included.add(stamp_at(9, 3, 2));
    const Included included = frozen.included;
    const Loaded loaded = read(write(std::move(frozen)));
    ASSERT_TRUE(loaded) << "seed " << seed;
    EXPECT_EQ(describe((*loaded)->state), describe(state)) << "seed " << seed;
    EXPECT_EQ((*loaded)->included, included);
  }
}

TEST_F(SnapshotTest, OfALargeStateStoresOnlyWhatChanged) {
  State state = with_files(20'000);
  write(frozen_of(state));
  EXPECT_GT(fresh_, 100u);
  EXPECT_GE(shape_->height(), 1u);
  Set set;
  set.inode = state.lookup(kRoot, "file number 777")->id;
  set.changes.mode = 0600;
  apply(state, {stamp_at(1'790'001'000'000), set});
  const Snapshot second = write(frozen_of(state));
  EXPECT_LE(fresh_, 1u + shape_->height());
  const Loaded loaded = read(second);
  ASSERT_TRUE(loaded);
  EXPECT_EQ(describe((*loaded)->state), describe(state));
}

TEST_F(SnapshotTest, OfAnotherMountCanBeWrittenOverToo) {
  State state = with_files(5'000);
  const Snapshot first = write(frozen_of(state));
  const Loaded loaded = read(first);
  ASSERT_TRUE(loaded);
  shape_ = (*loaded)->shape;
  write(frozen_of(state));
  EXPECT_EQ(fresh_, 0u);
}

TEST_F(SnapshotTest, ANodeInAnothersPlaceIsRefused) {
  const Snapshot snapshot = write(frozen_of(with_files(3'000)));
  MemoryStore::Blobs swapped = blobs_->blobs();
  std::swap(swapped[content_key(shape_->levels[0][3].id)], swapped[content_key(shape_->levels[0][4].id)]);
  blobs_->set_blobs(swapped);
  const Loaded loaded = read(snapshot);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(spot::to_errno(loaded.error().code), EBADMSG);
}

TEST_F(SnapshotTest, WhatNoHistoryCanHaveMadeIsRefused) {
  const State state = with_files(3);
  const auto is_refused = [&](const auto& change) {
    Frozen frozen = frozen_of(state);
    change(frozen.contents);
    const Loaded loaded = read(write(std::move(frozen)));
    return !loaded && loaded.error().code == Errc::malformed;
  };
  const auto changed = [](const std::shared_ptr<Inode>& inode, const auto& change) {
    auto copy = std::make_shared<Inode>(*inode);
    change(*copy);
    return copy;
  };
  EXPECT_FALSE(is_refused([](State::Contents&) {}));
  EXPECT_TRUE(is_refused([](State::Contents& contents) { contents.inodes.pop_back(); }));  // a name of nothing
  EXPECT_TRUE(is_refused([](State::Contents& contents) { contents.names.pop_back(); }));   // a file without a name
  EXPECT_TRUE(is_refused([&](State::Contents& contents) {
    auto& inode = contents.inodes.back().second;
    inode = changed(inode, [](Inode& file) { file.links = 2; });
  }));
  // A directory that is its own parent.
  EXPECT_TRUE(is_refused([&](State::Contents& contents) {
    auto& [id, inode] = contents.inodes.back();
    auto& [place, target] = contents.names.back();
    place = Place{id, "x"};
    inode = changed(inode, [&, &at = place](Inode& loop) {
      loop.kind = Kind::directory;
      loop.place = at;
    });
  }));
}

TEST_F(SnapshotTest, LeavesOutRemovedInodesThatItsBaseKnowsAsSuch) {
  State state = with_files(2);
  const InodeId id = state.lookup(kRoot, "file number 0")->id;
  const Stamp gone = stamp_at(1'790'000'100'000);
  apply(state, {gone, Unlink{{kRoot, "file number 0"}, id, {}}});
  Frozen frozen = frozen_of(state);
  prune(frozen, {});
  EXPECT_EQ(frozen.contents.inodes.size(), state.inode_count());
  Included base;
  base.add(gone);
  prune(frozen, base);
  EXPECT_EQ(frozen.contents.inodes.size(), state.inode_count() - 1);
}

// --- Histories -------------------------------------------------------------------------------------------------------

TEST(HistoryOverSnapshot, FreezesTheStateOfAnyMoment) {
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    const std::vector<Operation> operations = operations_of(seed, 120);
    History history{StateOptions{}};
    history.add(operations);
    for (std::size_t count = 0; count <= operations.size(); count += 17) {
      const Stamp limit = count == operations.size() ? stamp_at(1'999'000'000'000) : operations[count].stamp;
      const std::vector<Operation> before{operations.begin(), operations.begin() + static_cast<std::ptrdiff_t>(count)};
      const Frozen frozen = history.freeze(limit);
      const Result<State> state = State::of({}, frozen.contents);
      ASSERT_TRUE(state);
      ASSERT_EQ(describe(*state), describe(state_after(before))) << "seed " << seed << ", " << count;
      for (const Operation& operation : operations)
        EXPECT_EQ(frozen.included.has(operation.stamp), operation.stamp < limit);
    }
    EXPECT_EQ(describe(history.state()), describe(state_after(operations)));
  }
}

TEST(HistoryOverSnapshot, HasTheSameStateAsOneWithoutIt) {
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    const std::vector<Operation> operations = operations_of(seed, 120);
    History history{StateOptions{}};
    history.add(operations);
    const std::string before = describe(history.state());
    Frozen frozen = history.freeze(operations[80].stamp);
    const ChangeSet changes = history.rebase(*State::of({}, frozen.contents), frozen.included, {});
    EXPECT_EQ(describe(history.state()), before) << "seed " << seed;
    EXPECT_TRUE(changes.names.empty() && changes.inodes.empty());
    EXPECT_EQ(history.size(), 40u);
    EXPECT_TRUE(history.contains(operations[3].stamp));
    history.add(operations);  // what it includes is not applied again
    EXPECT_EQ(describe(history.state()), before);
  }
}

TEST(HistoryOverSnapshot, AppliesALateOperationAfterIt) {
  History history{StateOptions{}};
  Make make;
  make.at = {kRoot, "a"};
  history.add(Operation{stamp_at(2'000, 0, 1), make});
  Frozen frozen = history.freeze(stamp_at(3'000));
  history.rebase(*State::of({}, frozen.contents), frozen.included, {});
  make.at = {kRoot, "late"};
  history.add(Operation{stamp_at(1'000, 0, 2), make});
  EXPECT_TRUE(history.state().lookup(kRoot, "late"));
  EXPECT_EQ(history.size(), 1u);
}

TEST(HistoryOverSnapshot, AppliesAgainWhatAnotherSnapshotDoesNotInclude) {
  History history{StateOptions{}};
  Make one, other;
  one.at = {kRoot, "one"};
  other.at = {kRoot, "other"};
  const Operation first{stamp_at(1'000, 0, 1), one}, second{stamp_at(1'001, 0, 2), other};
  history.add({first, second});
  Frozen mine = history.freeze(stamp_at(3'000));
  history.rebase(*State::of({}, mine.contents), mine.included, {});
  EXPECT_EQ(history.size(), 0u);
  // One of a writer that knew only the first: the second is in the logs alone.
  History theirs{StateOptions{}};
  theirs.add(first);
  Frozen frozen = theirs.freeze(stamp_at(3'000));
  const ChangeSet changes = history.rebase(*State::of({}, frozen.contents), frozen.included, {second});
  EXPECT_TRUE(changes.names.empty());
  EXPECT_TRUE(history.state().lookup(kRoot, "one") && history.state().lookup(kRoot, "other"));
}

}  // namespace
}  // namespace spotfs
