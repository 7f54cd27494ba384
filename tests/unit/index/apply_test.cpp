// Rules of files.md, "Apply", and the histories of tests/vectors/apply.json.
#include "fs/index/apply.hpp"

#include <gtest/gtest.h>

#include "fs/index/found.hpp"
#include "tests/unit/index/histories.hpp"

namespace spotfs {
namespace {

// Two writers' operations, each with the next stamp.
class ApplyTest : public testing::Test {
 protected:
  explicit ApplyTest(const StateOptions& options = {}) : state_{options} {}

  Stamp now() { return stamp_at(++ms_, 0, 1); }
  Undo run(const Stamp& stamp, Action action) { return apply(state_, {stamp, std::move(action)}); }
  Undo run(Action action) { return run(now(), std::move(action)); }

  InodeId make(const InodeId& directory, std::string name, Kind kind, bool with_content) {
    const Stamp stamp = now();
    Make action{{directory, std::move(name)}, std::nullopt, {}};
    action.inode.kind = kind;
    action.inode.mode = 0644;
    if (with_content) {
      action.inode.version = stamp_at(ms_, 1, 1);
      action.inode.reference = reference_of(ms_);
    }
    run(stamp, std::move(action));
    return stamp;
  }
  InodeId make_file(const InodeId& directory, std::string name) {
    return make(directory, std::move(name), Kind::file, true);
  }
  InodeId make_directory(const InodeId& directory, std::string name) {
    return make(directory, std::move(name), Kind::directory, false);
  }
  // As a mount makes it that has met a value on the store.
  InodeId find_file(std::string key, const Version& version) {
    const Stamp stamp = now();
    Make action{{kBlobs, std::move(key)}, std::nullopt, {}};
    action.inode.mode = 0600;
    action.inode.version = version;
    action.inode.reference = reference_of(ms_);
    action.inode.flags = kFound;
    run(stamp, std::move(action));
    return stamp;
  }
  Write write_of(const InodeId& id, Version base) { return {id, base, reference_of(++ms_), Time{5, 6}, 0}; }
  const Inode& inode(const InodeId& id) const { return *state_.find(id); }
  std::size_t entries(const InodeId& directory) const { return state_.list(directory, "", 1000).value().size(); }
  bool is_sound() const { return broken(state_).empty(); }

  State state_;
  std::uint64_t ms_ = 1'790'000'000'000;
};

class ConflictsLastTest : public ApplyTest {
 protected:
  ConflictsLastTest() : ApplyTest{StateOptions{.uid = 0, .gid = 0, .conflicts_last = true}} {}
};

TEST(ApplyVectors, EachHistoryGivesItsState) {
  for (const VectorRow& row : vector_rows()) {
    State state = fresh_state();
    for (const Operation& operation : row.operations) apply(state, operation);
    EXPECT_EQ(to_json(state), row.state);
    EXPECT_EQ(broken(state), "");
  }
}

TEST(ApplyVectors, UndoGivesEachStateBefore) {
  for (const VectorRow& row : vector_rows()) {
    State state = fresh_state();
    std::vector<std::string> before;
    std::vector<Undo> undos;
    for (const Operation& operation : row.operations) {
      before.push_back(describe(state));
      undos.push_back(apply(state, operation));
    }
    for (std::size_t i = undos.size(); i > 0; --i) {
      state.undo(undos[i - 1]);
      ASSERT_EQ(describe(state), before[i - 1]);
    }
  }
}

// Whatever a log holds, the state stays a tree: operations against states that their maker never saw.
TEST(ApplyVectors, OperationsOfOtherHistoriesKeepTheStateSound) {
  const std::vector<VectorRow>& rows = vector_rows();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (const bool last : {false, true}) {
      State state{{.uid = 0, .gid = 0, .conflicts_last = last}};
      std::vector<Operation> all = rows[i].operations;
      const std::vector<Operation>& others = rows[(i + 1) % rows.size()].operations;
      all.insert(all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2), others.rbegin(), others.rend());
      for (const Operation& operation : all) {
        apply(state, operation);
        ASSERT_EQ(broken(state), "");
      }
    }
  }
}

TEST_F(ApplyTest, AMakeGivesTheTimesOfItsStampWhereItSaysNone) {
  const Stamp stamp = stamp_at(1'790'000'000'123, 4);
  run(stamp, Make{{kRoot, "a"}, std::nullopt, {}});
  const Time expected{1'790'000'000, 123'000'060};
  for (const Time& time : {inode(stamp).atime, inode(stamp).mtime, inode(stamp).ctime, inode(stamp).birth})
    EXPECT_EQ(time, expected);
  EXPECT_EQ(inode(kRoot).mtime, expected);
}

TEST_F(ApplyTest, OfTwoDirectoriesMadeUnderOneNameTheSecondStandsForTheFirst) {
  const InodeId first = make_directory(kRoot, "d"), second = make_directory(kRoot, "d");
  const InodeId file = make_file(second, "f");
  EXPECT_EQ(state_.lookup(first, "f").value().id, file);
  EXPECT_EQ(state_.inode(second).value(), state_.inode(first).value());
  EXPECT_EQ(entries(kRoot), 1u);
}

TEST_F(ApplyTest, OfTwoFilesMadeUnderOneNameTheFirstStepsAside) {
  const InodeId first = make_file(kRoot, "f"), second = make_file(kRoot, "f");
  EXPECT_EQ(state_.at(kRoot, "f"), second);
  EXPECT_EQ(inode(first).place.name, "f.conflict-20260921T141320Z-0001");
}

TEST_F(ApplyTest, AnEmptyFileGivesWayToAnother) {
  const InodeId first = make(kRoot, "f", Kind::file, false), second = make_file(kRoot, "f");
  EXPECT_EQ(state_.at(kRoot, "f"), second);
  EXPECT_EQ(inode(first).kind, Kind::removed);
  EXPECT_EQ(entries(kRoot), 1u);
}

TEST_F(ApplyTest, AMakeInADirectoryThatIsGonePutsItBack) {
  const InodeId directory = make_directory(kRoot, "d");
  run(Unlink{{kRoot, "d"}, directory, {}});
  make_file(directory, "f");
  EXPECT_EQ(state_.at(kRoot, "d"), directory);
  EXPECT_TRUE(is_sound());
}

TEST_F(ApplyTest, AMakeInADirectoryThatNobodyKnowsIsFoundInLostAndFound) {
  const InodeId unknown = stamp_at(5);
  make_file(unknown, "f");
  EXPECT_EQ(state_.at(kLostFound, "#" + to_text(unknown)), unknown);
  EXPECT_EQ(inode(unknown).mode, 0700u);
}

TEST_F(ApplyTest, AWriteToAFileThatWasRemovedBringsItBack) {
  const InodeId file = make_file(kRoot, "f");
  const Version version = inode(file).version;
  run(Unlink{{kRoot, "f"}, file, version});
  run(write_of(file, version));
  EXPECT_EQ(state_.at(kRoot, "f"), file);
  EXPECT_EQ(inode(file).kind, Kind::file);
}

TEST_F(ApplyTest, AWriteThatDidNotKnowTheContentKeepsItBesideTheFile) {
  const InodeId file = make_file(kRoot, "f");
  const InodeId version = *inode(file).version;
  const std::optional<Reference> content = inode(file).reference;
  const Undo undo = run(write_of(file, Version{}));
  EXPECT_EQ(inode(version).reference, content);
  EXPECT_EQ(state_.at(kRoot, inode(version).place.name), version);
  EXPECT_EQ(entries(kRoot), 2u);
  state_.undo(undo);
  EXPECT_EQ(entries(kRoot), 1u);
}

TEST_F(ApplyTest, AnUnlinkThatDidNotKnowTheContentDoesNothing) {
  const InodeId file = make_file(kRoot, "f");
  run(Unlink{{kRoot, "f"}, file, Version{}});
  EXPECT_EQ(state_.at(kRoot, "f"), file);
}

TEST_F(ApplyTest, ADirectoryDoesNotMoveBelowItself) {
  const InodeId above = make_directory(kRoot, "a"), below = make_directory(above, "b");
  run(Move{{kRoot, "a"}, above, {below, "a"}, std::nullopt});
  run(Exchange{{kRoot, "a"}, above, {above, "b"}, below});
  EXPECT_EQ(state_.at(kRoot, "a"), above);
  EXPECT_EQ(state_.at(above, "b"), below);
}

TEST_F(ApplyTest, AMoveFindsItsFileUnderItsConflictName) {
  const InodeId first = make_file(kRoot, "f");
  make_file(kRoot, "f");
  run(Move{{kRoot, "f"}, first, {kRoot, "g"}, std::nullopt});
  EXPECT_EQ(state_.at(kRoot, "g"), first);
}

TEST_F(ApplyTest, BelowBlobsTheLaterOperationHasTheName) {
  const InodeId first = make_file(kBlobs, "k"), second = make_file(kBlobs, "k");
  EXPECT_EQ(state_.at(kBlobs, "k"), second);
  EXPECT_EQ(inode(first).kind, Kind::removed);
  const InodeId directory = make_directory(kBlobs, "k");
  EXPECT_EQ(state_.at(kBlobs, "k"), directory);
  const InodeId third = make_file(kBlobs, "k");
  EXPECT_EQ(state_.at(kBlobs, "k"), directory);
  EXPECT_EQ(inode(third).kind, Kind::removed);
  EXPECT_EQ(entries(kBlobs), 1u);
}

TEST_F(ApplyTest, BelowBlobsWhatWasFoundIsTheFileThatWasMadeThere) {
  const InodeId made = make_file(kBlobs, "k"), found = find_file("k", inode(made).version);
  EXPECT_EQ(state_.at(kBlobs, "k"), made);
  EXPECT_EQ(state_.resolve(found), made);
  EXPECT_EQ(inode(made).mode, 0644u);
  Set set{found, {}};
  set.changes.mode = 0640;
  run(set);
  EXPECT_EQ(inode(made).mode, 0640u);
  run(write_of(found, inode(made).version));
  EXPECT_EQ(inode(made).version, stamp_at(ms_, 0, 1));
  run(Unlink{{kBlobs, "k"}, found, inode(made).version});
  EXPECT_EQ(entries(kBlobs), 0u);
  EXPECT_TRUE(is_sound());
}

TEST_F(ApplyTest, BelowBlobsAFileHasTheContentThatWasFoundIfItIsLater) {
  const InodeId made = make_file(kBlobs, "k");
  const Version earlier = inode(made).version, later = now();
  find_file("k", later);
  EXPECT_EQ(inode(made).version, later);
  EXPECT_EQ(inode(made).reference, reference_of(ms_));
  find_file("k", earlier);
  EXPECT_EQ(inode(made).version, later);
}

TEST_F(ApplyTest, BelowBlobsAFileThatIsMadeTakesTheNameOfOneThatWasFound) {
  const InodeId found = find_file("k", now()), made = make_file(kBlobs, "k");
  EXPECT_EQ(state_.at(kBlobs, "k"), made);
  EXPECT_EQ(inode(found).kind, Kind::removed);
}

TEST_F(ApplyTest, XattrsAreSetAndRemovedOneByOne) {
  const InodeId file = make_file(kRoot, "f");
  Set set{file, {}};
  set.changes.xattrs = {{"user.a", "1"}, {"user.b", "2"}};
  run(set);
  set.changes.xattrs = {{"user.a", std::nullopt}, {"user.c", "3"}};
  run(set);
  EXPECT_EQ(inode(file).xattrs, (Xattrs{{"user.b", "2"}, {"user.c", "3"}}));
}

TEST_F(ApplyTest, OperationsThatMakeNoSenseDoNothing) {
  const InodeId file = make_file(kRoot, "f"), directory = make_directory(kRoot, "d");
  const std::string before = describe(state_);
  run(Link{{kRoot, "l"}, std::nullopt, directory});
  run(Make{{file, "in-a-file"}, std::nullopt, {}});
  run(Unlink{{kRoot, ""}, kRoot, {}});
  run(write_of(directory, {}));
  run(Set{stamp_at(77), {}});
  run(Move{{kRoot, "nothing"}, file, {file, "x"}, std::nullopt});
  run(kRoot, Make{{kRoot, "x"}, std::nullopt, {}});
  EXPECT_EQ(describe(state_), before);
}

TEST_F(ConflictsLastTest, OfTwoFilesUnderOneNameTheLaterStays) {
  const InodeId first = make_file(kRoot, "f"), second = make_file(kRoot, "f");
  EXPECT_EQ(state_.at(kRoot, "f"), second);
  EXPECT_EQ(inode(first).kind, Kind::removed);
  EXPECT_EQ(entries(kRoot), 1u);
}

TEST_F(ConflictsLastTest, AWriteReplacesContentThatItDidNotKnow) {
  const InodeId file = make_file(kRoot, "f");
  const Write write = write_of(file, Version{});
  run(write);
  EXPECT_EQ(inode(file).reference, write.reference);
  EXPECT_EQ(entries(kRoot), 1u);
}

TEST_F(ConflictsLastTest, AFileGivesWayToADirectory) {
  const InodeId directory = make_directory(kRoot, "d"), file = make_file(kRoot, "d");
  EXPECT_EQ(state_.at(kRoot, "d"), directory);
  EXPECT_EQ(inode(file).kind, Kind::removed);
  EXPECT_EQ(entries(kRoot), 1u);
}

TEST_F(ConflictsLastTest, ADirectoryWithSomethingInItIsKeptUnderAConflictName) {
  const InodeId there = make_directory(kRoot, "d"), comes = make_directory(kRoot, "e");
  make_file(there, "f");
  make_file(comes, "f");
  run(Move{{kRoot, "e"}, comes, {kRoot, "d"}, std::nullopt});
  EXPECT_EQ(state_.at(kRoot, "d"), there);
  EXPECT_TRUE(state_.is_directory(comes));
  EXPECT_EQ(inode(comes).place.name.substr(0, 11), "d.conflict-");
  EXPECT_TRUE(is_sound());
}

TEST_F(ConflictsLastTest, AWriteToARemovedFileIsDroppedWhereItsNameIsTaken) {
  const InodeId file = make_file(kRoot, "f");
  const Version version = inode(file).version;
  run(Unlink{{kRoot, "f"}, file, version});
  const InodeId other = make_file(kRoot, "f");
  run(write_of(file, version));
  EXPECT_EQ(state_.at(kRoot, "f"), other);
  EXPECT_EQ(entries(kRoot), 1u);
}

}  // namespace
}  // namespace spotfs
