// Several writers at once, killed, suspended, copied, with clocks that are wrong and stores that come late: nothing
// that was confirmed is lost, and all agree in the end.
//
// SPOTFS_SCHEDULES: how many (default 60); SPOTFS_SCHEDULE_SEED: the first one's seed (default 1); SPOTFS_SCHEDULE: one
// that was printed, to be looked at.
#include "tests/unit/index/schedules.hpp"

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <sstream>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

namespace spotfs {
namespace {

std::uint32_t number_from(const char* name, std::uint32_t otherwise) {
  const char* const text = std::getenv(name);
  return text ? static_cast<std::uint32_t>(std::strtoul(text, nullptr, 10)) : otherwise;
}

// In memory where that can be had: a machine that loses its power is none of the events, and most of the time went into
// syncs.
std::string new_directory() {
  const std::filesystem::path memory = "/dev/shm";
  const bool has_memory = ::access(memory.c_str(), W_OK | X_OK) == 0;
  return (has_memory ? memory : std::filesystem::temp_directory_path()) / "spotfs-schedules-XXXXXX";
}

std::string run(const Schedule& schedule) {
  std::string directory = new_directory();
  if (!::mkdtemp(directory.data())) return "there is no directory";
  std::string broken = run_schedule(schedule, directory);
  std::filesystem::remove_all(directory);
  return broken;
}

Schedule read_schedule(std::string numbers) {
  for (char& c : numbers) c = (c >= '0' && c <= '9') ? c : ' ';
  std::istringstream in{numbers};
  Schedule out;
  for (Step step; in >> step.writer >> step.kind >> step.seed;) out.push_back(step);
  return out;
}

TEST(Schedules, LoseNothingAndEndInOneState) {
  if (const char* const text = std::getenv("SPOTFS_SCHEDULE")) {
    EXPECT_EQ(run(read_schedule(text)), "");
    return;
  }
  std::string directory = new_directory();
  ASSERT_TRUE(::mkdtemp(directory.data()));
  const std::uint32_t first = number_from("SPOTFS_SCHEDULE_SEED", 1), count = number_from("SPOTFS_SCHEDULES", 60);
  ScheduleCounts counts;
  for (std::uint32_t seed = first; seed < first + count; ++seed) {
    const Schedule schedule = random_schedule(seed, 80);
    const std::string broken = run_schedule(schedule, directory, &counts);
    if (broken.empty()) continue;
    ADD_FAILURE() << "seed " << seed << ": " << broken << "\nshrunk to " << describe(shrink(schedule, directory));
    break;
  }
  std::filesystem::remove_all(directory);
  std::cout << counts.afresh << " states computed afresh, " << counts.removals << " names that stay away, "
            << counts.snapshots << " schedules with a snapshot before their end, " << counts.cut
            << " kills while one was stored\n";
  if (count < 60) return;
  EXPECT_NE(counts.afresh, 0U);
  EXPECT_NE(counts.removals, 0U);
  EXPECT_NE(counts.snapshots, 0U);
}

// Schedules that broke something once.
TEST(Schedules, KeepWhatACopiedStateNames) {
  EXPECT_EQ(run({{0, 48, 3704375203},
                 {0, 97, 2510152497},
                 {2, 65, 1423379864},
                 {0, 79, 2506228286},
                 {0, 4, 1243565994},
                 {0, 90, 2662718993},
                 {0, 12, 3973940221},
                 {0, 33, 162898319}}),
            "");
}
TEST(Schedules, LeaveNothingOfWhatACopiedStateMadeAndRemoved) {
  EXPECT_EQ(run({{1, 44, 2360782358}, {1, 82, 546147920}, {1, 5, 697067193}}), "");
}
TEST(Schedules, LeaveNothingOfWhatACopiedStateMadeAndShared) {
  EXPECT_EQ(run({{1, 51, 2009095105}, {1, 97, 2473048185}, {1, 5, 1175494900}}), "");
}
TEST(Schedules, LeaveNothingOfWhatWasCopiedAsItWasLate) {
  EXPECT_EQ(run({{0, 50, 1978392040}, {0, 60, 1187829353}, {0, 12, 3904908953}}), "");
}
TEST(Schedules, LeaveNothingOfWhatARetiredWriterHadNotCommitted) {
  EXPECT_EQ(run({{1, 50, 3561836861}, {1, 71, 848014560}, {0, 38, 3745399544}}), "");
}
TEST(Schedules, LeaveNothingOfAConflictThatWasJoined) {
  EXPECT_EQ(run({{0, 59, 96543673},
                 {0, 18, 1025131969},
                 {3, 70, 3410043204},
                 {3, 57, 2427882318},
                 {2, 62, 1895232404},
                 {2, 23, 3013573861},
                 {3, 28, 1798336965},
                 {3, 70, 3098439134}}),
            "");
}
TEST(Schedules, LeaveNothingOfAFileWhoseTwoNamesTwoTookAway) {
  EXPECT_EQ(run({{0, 59, 415851687},
                 {0, 95, 2275630663},
                 {2, 45, 1446347010},
                 {2, 88, 2429362122},
                 {1, 12, 2780305340},
                 {2, 58, 994196511},
                 {0, 77, 1255507142},
                 {2, 31, 2465618115},
                 {2, 75, 3558881416}}),
            "");
}
// A snapshot that did not count, of one that was killed before it heard so.
TEST(Schedules, LeaveNothingOfASnapshotThatDidNotCount) {
  EXPECT_EQ(run({{1, 55, 1451019240},
                 {0, 51, 3314523011},
                 {0, 12, 3056247485},
                 {0, 27, 1087296979},
                 {1, 37, 1145134146},
                 {0, 44, 955889738},
                 {3, 10, 1567513817},
                 {1, 49, 3692373291},
                 {1, 54, 1175078399},
                 {0, 67, 4218916432},
                 {1, 40, 3569760536},
                 {0, 87, 3411353658}}),
            "");
}

TEST(Schedules, KeepTheNodesOfASnapshotThatTakesMoreThanADay) {
  std::string directory = new_directory();
  ASSERT_TRUE(::mkdtemp(directory.data()));
  const Schedule schedule{{1, 45, 719848300},  {1, 38, 3095669534}, {1, 77, 160795418},  {0, 55, 938128279},
                          {1, 53, 2602089489}, {0, 17, 289267662},  {0, 48, 1967219384}, {1, 29, 203499799},
                          {1, 85, 3385109772}, {0, 19, 2705227843}, {1, 66, 16516279},   {1, 94, 3798943374},
                          {1, 12, 1704465581}, {1, 66, 3601463862}, {0, 8, 134349259},   {1, 97, 3926827662},
                          {1, 12, 2576666231}};
  EXPECT_EQ(run_schedule(schedule, directory), "");
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace spotfs
