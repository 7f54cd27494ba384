// Several writers at once, killed, suspended, copied, with clocks that are wrong and stores that come late: nothing
// that was confirmed is lost, and all agree in the end.
//
// SPOTFS_SCHEDULES: how many (default 60); SPOTFS_SCHEDULE_SEED: the first one's seed (default 1).
#include "tests/unit/index/schedules.hpp"

#include <cstdlib>
#include <filesystem>
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

TEST(Schedules, LoseNothingAndEndInOneState) {
  std::string directory = new_directory();
  ASSERT_TRUE(::mkdtemp(directory.data()));
  const std::uint32_t first = number_from("SPOTFS_SCHEDULE_SEED", 1), count = number_from("SPOTFS_SCHEDULES", 60);
  for (std::uint32_t seed = first; seed < first + count; ++seed) {
    const Schedule schedule = random_schedule(seed, 80);
    const std::string broken = run_schedule(schedule, directory);
    if (broken.empty()) continue;
    ADD_FAILURE() << "seed " << seed << ": " << broken << "\nshrunk to " << describe(shrink(schedule, directory));
    break;
  }
  std::filesystem::remove_all(directory);
}

// Schedules that broke something once.
TEST(Schedules, KeepWhatACopiedStateNames) {
  std::string directory = new_directory();
  ASSERT_TRUE(::mkdtemp(directory.data()));
  const Schedule schedule{{0, 48, 3704375203}, {0, 97, 2510152497}, {2, 65, 1423379864}, {0, 79, 2506228286},
                          {0, 4, 1243565994},  {0, 90, 2662718993}, {0, 12, 3973940221}, {0, 33, 162898319}};
  EXPECT_EQ(run_schedule(schedule, directory), "");
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace spotfs
