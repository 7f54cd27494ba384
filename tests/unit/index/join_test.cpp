#include "fs/index/join.hpp"

#include <map>
#include <set>

#include <gtest/gtest.h>

#include "fs/index/apply.hpp"
#include "fs/index/found.hpp"
#include "tests/unit/index/histories.hpp"

namespace spotfs {
namespace {

constexpr std::uint64_t kStart = 1'790'000'000'000;

Operation at(std::uint64_t ms, Action action) { return {stamp_at(kStart + ms), std::move(action)}; }
InodeId id_of(std::uint64_t ms) { return stamp_at(kStart + ms); }

Operation make_at(std::uint64_t ms, std::string name, Kind kind = Kind::file) {
  Make out{{kRoot, std::move(name)}, std::nullopt, {}};
  out.inode.kind = kind;
  return at(ms, out);
}
Operation write_at(std::uint64_t ms, const InodeId& inode, Version base) {
  return at(ms, Write{inode, base, reference_of(ms), Time{static_cast<std::int64_t>(ms), 1}, 0});
}
Operation mode_at(std::uint64_t ms, const InodeId& inode, std::uint32_t mode) {
  Set out{inode, {}};
  out.changes.mode = mode;
  return at(ms, out);
}
Operation xattr_at(std::uint64_t ms, const InodeId& inode, std::string name, std::optional<std::string> value) {
  Set out{inode, {}};
  out.changes.xattrs.emplace(std::move(name), std::move(value));
  return at(ms, out);
}
Operation unlink_at(std::uint64_t ms, std::string name, const InodeId& inode, Version version) {
  return at(ms, Unlink{{kRoot, std::move(name)}, inode, version});
}
Operation move_at(std::uint64_t ms, const InodeId& inode, std::string from, std::string to) {
  return at(ms, Move{{kRoot, std::move(from)}, inode, {kRoot, std::move(to)}, std::nullopt});
}

std::vector<Stamp> stamps(const std::vector<Operation>& operations) {
  std::vector<Stamp> out;
  for (const Operation& operation : operations) out.push_back(operation.stamp);
  return out;
}

void run(State& state, const std::vector<Operation>& operations) {
  for (const Operation& operation : operations) apply(state, operation);
}

// On top of any disk, what one mount does itself comes to the same, whether joined or not.
TEST(Join, KeepsTheStateOfRandomHistories) {
  std::size_t before = 0, after = 0;
  for (std::uint32_t seed = 0; seed < 300; ++seed) {
    State state = fresh_state();
    const std::vector<VectorRow>& rows = vector_rows();
    run(state, rows[seed % rows.size()].operations);

    State joined_state = state;
    RandomWriter writer{seed, 9, kStart + 10'000'000};
    std::vector<Operation> operations;
    for (int i = 0; i < 60; ++i) {
      operations.push_back(writer.next(state));
      apply(state, operations.back());
    }
    const std::vector<Operation> joined = join(operations);
    run(joined_state, joined);
    ASSERT_EQ(describe(joined_state, false, false), describe(state, false, false)) << "seed " << seed;
    ASSERT_TRUE(std::ranges::is_sorted(joined, {}, &Operation::stamp));
    before += operations.size();
    after += joined.size();
  }
  EXPECT_LT(after, before);
}

TEST(Join, KeepsTheTimesThatSetsGave) {
  Set times{id_of(1), {}};
  times.changes.mtime = Time{7, 8};
  times.changes.atime = Time{9, 10};
  const std::vector<Operation> joined = join({make_at(1, "f"), write_at(2, id_of(1), {}), at(3, times)});
  State state = fresh_state();
  run(state, joined);
  EXPECT_EQ(state.find(id_of(1))->mtime, (Time{7, 8}));
  EXPECT_EQ(state.find(id_of(1))->atime, (Time{9, 10}));
}

TEST(Join, KeepsTheCtimeThatWasShownBefore) {
  for (const std::vector<Operation>& operations :
       {std::vector{make_at(1, "f"), write_at(800, id_of(1), {})},
        std::vector{make_at(1, "f"), write_at(800, id_of(1), {}), mode_at(900, id_of(1), 0600)},
        std::vector{make_at(1, "d", Kind::directory), mode_at(700, id_of(1), 0700)},
        std::vector{write_at(1, stamp_at(5), {}), write_at(800, stamp_at(5), id_of(1))}}) {
    State before = fresh_state(), after = fresh_state();
    run(before, operations);
    const std::vector<Operation> joined = join(operations);
    run(after, joined);
    for (const InodeId& id : {id_of(1), stamp_at(5)}) {
      if (before.find(id)) {
        EXPECT_EQ(after.find(id)->ctime, before.find(id)->ctime);
      }
    }
    EXPECT_EQ(join(joined), joined);
  }
}

TEST(Join, AMakeWithItsWritesAndSetsIsOneMake) {
  const std::vector<Operation> joined = join({make_at(1, "f"), write_at(2, id_of(1), {}), mode_at(3, id_of(1), 0640),
                                              write_at(4, id_of(1), id_of(2)), xattr_at(5, id_of(1), "user.a", "x")});
  ASSERT_EQ(stamps(joined), (std::vector{id_of(1), id_of(5)}));
  EXPECT_EQ(joined[1].action, Action{(Set{id_of(1), {}})});
  EXPECT_TRUE(decode_operation(encode(joined[1])));
  EXPECT_EQ(joined[0].stamp, id_of(1));
  const NewInode& inode = std::get<Make>(joined[0].action).inode;
  EXPECT_EQ(inode.version, id_of(4));
  EXPECT_EQ(inode.reference, reference_of(4));
  EXPECT_EQ(inode.mode, 0640u);
  EXPECT_EQ(inode.mtime, (Time{4, 1}));
  EXPECT_EQ(inode.xattrs, (Xattrs{{"user.a", "x"}}));
  EXPECT_TRUE(decode_operation(encode(joined[0])));
}

TEST(Join, NothingBecomesPartOfTheMakeOfWhatWasFound) {
  Operation found = make_at(1, "f");
  std::get<Make>(found.action).inode.flags = kFound;
  const std::vector<Operation> operations{found, write_at(2, id_of(1), {}), mode_at(3, id_of(1), 0640),
                                          unlink_at(4, "f", id_of(1), id_of(2))};
  EXPECT_EQ(join(operations), operations);
}

TEST(Join, WritesOnTopOfEachOtherAreTheLastOnTheFirstOnesBase) {
  const InodeId file = stamp_at(5), base = stamp_at(6);
  const std::vector<Operation> joined =
      join({write_at(1, file, base), make_at(2, "other"), write_at(3, file, id_of(1)), write_at(4, file, id_of(3))});
  ASSERT_EQ(stamps(joined), (std::vector{id_of(2), id_of(4)}));
  EXPECT_EQ(std::get<Write>(joined[1].action).base, base);
  EXPECT_EQ(std::get<Write>(joined[1].action).reference, reference_of(4));
}

TEST(Join, AWriteOnAnotherBaseStays) {
  const InodeId file = stamp_at(5);
  const std::vector<Operation> operations{write_at(1, file, {}), write_at(2, file, {}), make_at(3, "f"),
                                          write_at(4, id_of(3), id_of(1))};
  EXPECT_EQ(join(operations), operations);
}

TEST(Join, SetsAreOneSetOfTheLastStamp) {
  const InodeId file = stamp_at(5);
  const std::vector<Operation> joined =
      join({mode_at(1, file, 0600), xattr_at(2, file, "user.a", "1"), xattr_at(3, file, "user.a", std::nullopt),
            xattr_at(4, file, "user.b", "2"), mode_at(5, file, 0644)});
  ASSERT_EQ(stamps(joined), (std::vector{id_of(5)}));
  const Changes& changes = std::get<Set>(joined[0].action).changes;
  EXPECT_EQ(changes.mode, 0644u);
  EXPECT_EQ(changes.xattrs.at("user.a"), std::nullopt);
  EXPECT_EQ(changes.xattrs.at("user.b"), "2");
}

TEST(Join, SetsThatAreTooLargeForOneOperationStayApart) {
  const InodeId file = stamp_at(5);
  const std::string large(700, 'x');
  const std::vector<Operation> operations{xattr_at(1, file, "user.a", large), xattr_at(2, file, "user.b", large)};
  EXPECT_EQ(join(operations), operations);
  std::vector<Operation> on_make{make_at(1, "f"), xattr_at(2, id_of(1), "user.a", large),
                                 xattr_at(3, id_of(1), "user.b", large)};
  const std::vector<Operation> joined = join(on_make);
  ASSERT_EQ(stamps(joined), (std::vector{id_of(1), id_of(2), id_of(3)}));
  for (const Operation& operation : joined) EXPECT_TRUE(decode_operation(encode(operation)));
}

TEST(Join, WhatWasMadeAndRemovedLeavesNothing) {
  EXPECT_TRUE(join({make_at(1, "f"), write_at(2, id_of(1), {}), unlink_at(3, "f", id_of(1), id_of(2))}).empty());
}

TEST(Join, ADirectoryThatHeldOnlyWhatIsGoneLeavesNothing) {
  Operation inside = make_at(2, "f");
  std::get<Make>(inside.action).at.directory = id_of(1);
  EXPECT_TRUE(join({make_at(1, "d", Kind::directory), inside, at(3, Unlink{{id_of(1), "f"}, id_of(2), {}}),
                    unlink_at(4, "d", id_of(1), {})})
                  .empty());
}

TEST(Join, AnUnlinkThatDoesNothingStays) {
  const std::vector<Operation> operations{make_at(1, "f"), unlink_at(2, "f", id_of(1), stamp_at(9))};
  EXPECT_EQ(join(operations), operations);
}

TEST(Join, WhatReplacedAnotherIsStillThereAfterItsRemoval) {
  Operation make = make_at(1, "f");
  std::get<Make>(make.action).over = Seen{stamp_at(5), {}};
  const std::vector<Operation> operations{make, unlink_at(2, "f", id_of(1), {})};
  EXPECT_EQ(join(operations), operations);
}

TEST(Join, ARemovedInodeThatALaterOperationNamesStays) {
  const std::vector<Operation> operations{make_at(1, "f"), unlink_at(2, "f", id_of(1), {}), write_at(3, id_of(1), {})};
  EXPECT_EQ(join(operations), operations);
}

TEST(Join, AnOperationInBetweenThatNamesTheInodeKeepsThemApart) {
  const std::vector<Operation> moved{make_at(1, "a"), move_at(2, id_of(1), "a", "b"), write_at(3, id_of(1), {})};
  EXPECT_EQ(join(moved), moved);

  Operation over = make_at(4, "x");
  over.action = Move{{kRoot, "x"}, stamp_at(8), {kRoot, "a"}, Seen{stamp_at(5), id_of(1)}};
  const std::vector<Operation> replaced{write_at(1, stamp_at(5), {}), over, write_at(5, stamp_at(5), id_of(1))};
  EXPECT_EQ(join(replaced), replaced);

  Operation inside = make_at(2, "f");
  std::get<Make>(inside.action).at.directory = id_of(1);
  const std::vector<Operation> entered{make_at(1, "d", Kind::directory), inside, mode_at(3, id_of(1), 0700)};
  EXPECT_EQ(join(entered), entered);
}

TEST(Join, OperationsOfOthersMayComeInBetweenWithoutBreakingTheState) {
  for (const VectorRow& row : vector_rows()) {
    std::map<RunPrefix, std::vector<Operation>> logs;
    for (const Operation& operation : row.operations) logs[operation.stamp.run()].push_back(operation);
    std::vector<Operation> all;
    for (auto& [run, log] : logs) {
      const std::vector<Operation> joined = join(log);
      all.insert(all.end(), joined.begin(), joined.end());
    }
    std::ranges::sort(all, {}, &Operation::stamp);
    State state = fresh_state();
    run(state, all);
    EXPECT_EQ(broken(state), "");
  }
}

}  // namespace
}  // namespace spotfs
