// Snapshots of which only what is asked for is read, and histories over them.
#include <algorithm>
#include <random>

#include "fs/index/state_keys.hpp"
#include "tests/unit/index/snapshot_fixture.hpp"

namespace spotfs {
namespace {

// Directories with files: the inodes of each lie together, and so do its names.
State with_directories(std::size_t directories, std::size_t files) {
  State state = fresh_state();
  for (std::size_t d = 0; d < directories; ++d) {
    Make make;
    make.at = {kRoot, "directory " + std::to_string(d)};
    make.inode.kind = Kind::directory;
    make.inode.mode = 0755;
    const Stamp id = stamp_at(1'790'000'000'000 + d * 1'000'000);
    apply(state, {id, make});
    make.inode.kind = Kind::file;
    make.inode.mode = 0644;
    for (std::size_t f = 0; f < files; ++f) {
      make.at = {id, "file number " + std::to_string(f)};
      apply(state, {stamp_at(1'790'000'000'001 + d * 1'000'000 + f), make});
    }
  }
  return state;
}

TEST_F(SnapshotTest, OfAManyReadsOnlyWhatIsAskedFor) {
  const Snapshot snapshot = write(frozen_of(with_directories(40, 500)));
  ASSERT_GT(shape_->levels[0].size(), 150u);
  count_fetches();
  const std::shared_ptr<LoadedSnapshot> loaded = open(snapshot);
  // What is above the leaves, those with the runs, and the root.
  EXPECT_LE(fetched(), shape_->ids().size() - shape_->levels[0].size() + 3);
  State& state = loaded->state;
  const auto one = read_for(state, [&] { return state.lookup(kRoot, "directory 7"); });
  ASSERT_TRUE(one);
  EXPECT_LE(fetched(), 4u);  // the inodes of the root and of the directory, the names between
  const auto file = read_for(state, [&] { return state.lookup(one->id, "file number 77"); });
  ASSERT_TRUE(file);
  EXPECT_LE(fetched(), 2u);
  const auto again = read_for(state, [&] { return state.lookup(one->id, "file number 77"); });
  EXPECT_EQ(fetched(), 0u);
  EXPECT_EQ(again->id, file->id);
  const auto none = read_for(state, [&] { return state.lookup(one->id, "file number 77x"); });
  EXPECT_EQ(none.error(), std::make_error_code(std::errc::no_such_file_or_directory));
  EXPECT_EQ(state.subdirectories(one->id), std::nullopt);
  const auto listed = read_for(state, [&] { return state.list(one->id, "", 1'000); });
  ASSERT_TRUE(listed);
  EXPECT_EQ(listed->size(), 500u);
  EXPECT_LE(fetched(), 20u);
  EXPECT_EQ(state.subdirectories(one->id), 0u);
}

TEST_F(SnapshotTest, OnlyWhatLiesInALostLeafCanNotBeHad) {
  const State whole = with_directories(40, 500);
  const Snapshot snapshot = write(frozen_of(whole));
  std::vector<std::pair<Place, InodeId>> names;
  whole.each_entry([&](const Place& place, const InodeId& id) { names.emplace_back(place, id); });
  const std::vector<NodeRef>& leaves = shape_->levels[0];
  const MemoryStore::Blobs all = blobs_->blobs();
  std::size_t counted = 0;
  for (std::size_t number = 1; number + 2 < leaves.size(); number += 7) {
    const Bytes root = inode_key(kRoot);
    if (leaves[number].first <= root && root < leaves[number + 1].first) continue;
    lose(leaves[number].id);
    const std::shared_ptr<LoadedSnapshot> loaded = open(snapshot);
    State& state = loaded->state;
    std::size_t lost = 0;
    for (std::size_t i = 0; i < names.size(); i += 13) {
      const auto& [place, id] = names[i];
      const auto found = read_for(state, [&, &at = place] { return state.lookup(at.directory, at.name); });
      if (found) {
        EXPECT_EQ(found->id, id);
      } else {
        EXPECT_EQ(spot::to_errno(found.error()), EREMOTEIO);
        ++lost;
      }
    }
    // It has some 250 names or 150 inodes, of which two may be those of directories.
    EXPECT_LT(lost, 1'200u / 13) << number;
    counted += lost;
    blobs_->set_blobs(all);
  }
  EXPECT_GT(counted, 100u);
}

TEST_F(SnapshotTest, ATopDirectoryThatIsLostIsThereForItsOwnerAlone) {
  const State whole = with_directories(40, 500);
  ASSERT_EQ(whole.inode(kRoot).value()->mode, 0755u);
  const Snapshot snapshot = write(frozen_of(whole));
  const auto& leaves = shape_->levels[0];
  const auto holds_it = [](const NodeRef& leaf) { return leaf.first <= inode_key(kRoot); };
  lose(std::find_if(leaves.rbegin(), leaves.rend(), holds_it)->id);
  const std::shared_ptr<LoadedSnapshot> loaded = open(snapshot);
  const auto root = read_for(loaded->state, [&] { return loaded->state.inode(kRoot); });
  ASSERT_TRUE(root);
  EXPECT_EQ((*root)->mode, 0700u);
  EXPECT_TRUE(read_for(loaded->state, [&] { return loaded->state.lookup(kRoot, "directory 39"); }));
}

// Of 40 directories of 500 files, one leaf with inodes is lost.
class SnapshotWithALostLeaf : public SnapshotTest {
 protected:
  void SetUp() override {
    const State whole = with_directories(40, 500);
    const Snapshot snapshot = write(frozen_of(whole));
    directory_ = whole.lookup(kRoot, "directory 20")->id;
    other_ = whole.lookup(kRoot, "directory 3")->id;
    file_ = whole.lookup(directory_, "file number 250")->id;
    const auto holds_it = [&](const NodeRef& leaf) { return leaf.first <= inode_key(file_); };
    const auto& leaves = shape_->levels[0];
    lose(std::find_if(leaves.rbegin(), leaves.rend(), holds_it)->id);
    loaded_ = open(snapshot);
    history_ = std::make_unique<History>(std::move(loaded_->state), loaded_->included);
  }
  void add(Action action) {
    const Operation operation{last_ = stamp_at(++time_), std::move(action)};
    ASSERT_TRUE(read_for(*history_, [&] { return history_->add(operation); }));
  }
  int errno_of(const InodeId& directory, const std::string& name) {
    const auto found = read_for(*history_, [&] { return history_->state().lookup(directory, name); });
    return found ? 0 : spot::to_errno(found.error());
  }
  int errno_of_list(const InodeId& directory) {
    const auto listed = read_for(*history_, [&] { return history_->state().list(directory, "", 1'000); });
    return listed ? 0 : spot::to_errno(listed.error());
  }

  InodeId directory_, other_, file_;  // the lost file is in the first of these directories
  std::uint64_t time_ = 1'799'000'000'000;
  Stamp last_;
  std::shared_ptr<LoadedSnapshot> loaded_;
  std::unique_ptr<History> history_;
};

TEST_F(SnapshotWithALostLeaf, ANameOfWhatIsLostIsInDoubtUntilItsOperationGoes) {
  add(Link{{other_, "linked"}, {}, file_});
  EXPECT_EQ(errno_of(other_, "linked"), EREMOTEIO);
  EXPECT_EQ(errno_of(other_, "not linked"), ENOENT);
  EXPECT_EQ(errno_of(other_, "file number 8"), 0);
  EXPECT_EQ(errno_of_list(other_), EREMOTEIO);
  history_->replace(std::vector<Stamp>{last_}, {});
  EXPECT_EQ(errno_of(other_, "linked"), ENOENT);
  EXPECT_EQ(errno_of_list(other_), 0);
}

TEST_F(SnapshotWithALostLeaf, WhatItMayHaveReplacedIsNotShown) {
  const auto replaced = read_for(*history_, [&] { return history_->state().lookup(other_, "file number 7"); });
  ASSERT_TRUE(replaced);
  Move move{{directory_, "file number 250"}, file_, {other_, "file number 7"}, {}};
  move.over = Seen{replaced->id, replaced->inode->version};
  add(move);
  EXPECT_EQ(errno_of(other_, "file number 7"), EREMOTEIO);
  EXPECT_EQ(errno_of(directory_, "file number 250"), EREMOTEIO);
  EXPECT_EQ(errno_of(other_, "file number 8"), 0);
}

TEST_F(SnapshotWithALostLeaf, WhatIsMadeInItIsInDoubtWithAllThatIsMadeThere) {
  Make make;
  make.at = {file_, "in what may be anything"};
  make.inode.kind = Kind::directory;
  add(make);
  const InodeId made = last_;
  make.at = {made, "below"};
  make.inode.kind = Kind::file;
  add(make);
  EXPECT_EQ(errno_of(made, "below"), EREMOTEIO);
  EXPECT_EQ(errno_of_list(kLostFound), 0);
  const auto found = read_for(*history_, [&] { return history_->state().list(kLostFound, "", 10); });
  EXPECT_TRUE(found && found->empty());
}

TEST_F(SnapshotWithALostLeaf, AChangeOfItIsRefusedAndThatOfAnotherDoesNothing) {
  Set set;
  set.inode = file_;
  set.changes.mode = 0600;
  const Operation change{stamp_at(1'799'000'000'000), set};
  History& history = *history_;
  const Result<void> fits = read_for(history, [&] { return history.rehearse({}, {change}); });
  ASSERT_FALSE(fits);
  EXPECT_EQ(spot::to_errno(fits.error()), EREMOTEIO);
  const auto changes = read_for(history, [&] { return history.add(change); });
  ASSERT_TRUE(changes);
  EXPECT_TRUE(changes->inodes.empty());
  EXPECT_TRUE(history.contains(change.stamp));
}

TEST_F(SnapshotTest, HistoriesOverAPartAreThoseOverAllOfIt) {
  const NodeSizes small{1'000, 750, 250};
  snapshots_ = std::make_unique<SnapshotStore>(context_.get_executor(), store_, StateOptions{}, small);
  std::size_t unread = 0;
  for (std::uint32_t seed = 1; seed <= 40; ++seed) {
    RandomWriter writer{seed, 1};
    State state = fresh_state();
    for (std::size_t i = 0; i < 300; ++i) apply(state, writer.next(state));
    const std::shared_ptr<LoadedSnapshot> loaded = open(write(frozen_of(state)));
    std::vector<Operation> operations;
    State last = state;
    for (std::size_t i = 0; i < 60; ++i) {
      operations.push_back(writer.next(last));
      if (i % 5 != 0) apply(last, operations.back());  // else its maker has not seen it
    }
    std::ranges::shuffle(operations, std::mt19937{seed});
    History whole{std::move(state), {}}, part{std::move(loaded->state), {}};
    for (std::size_t i = 0; i < operations.size();) {
      std::vector<Operation> some;
      for (std::size_t n = 1 + seed % 4; n != 0 && i < operations.size(); --n) some.push_back(operations[i++]);
      const auto fits = read_for(part, [&] { return part.rehearse({}, some); });
      ASSERT_TRUE(fits);
      const ChangeSet expected = whole.add(some);
      const ChangeSet changes = part.add(some);  // no GapHit after the rehearsal
      ASSERT_EQ(changes.inodes, expected.inodes) << "seed " << seed;
      ASSERT_EQ(changes.names, expected.names) << "seed " << seed;
    }
    unread += part.state().gaps().size();
    const Answer<void> read = run(snapshots_->read_leaves(part.state().gaps().unread(), filler_of(part)));
    ASSERT_TRUE(read);
    EXPECT_TRUE(part.state().check());
    EXPECT_EQ(describe(part.state()), describe(whole.state())) << "seed " << seed;
    EXPECT_EQ(broken(part.state()), "") << "seed " << seed;
  }
  EXPECT_GT(unread, 20u);  // or nothing was shown
}

}  // namespace
}  // namespace spotfs
