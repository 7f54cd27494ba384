// Random schedules of several writers of one store: what they do, in which order, and what of it goes wrong.
//
// A schedule is a list of steps that can be run again, in part too, so that one that breaks something can be shrunk.
// Writers are real indexes with journals of their own, on a store in this process whose stores are lost, fail though
// they happened, or happen late; each has a clock that is up to an hour wrong.
//
// Thread: one; nothing waits.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace spotfs {

inline constexpr std::size_t kWriters = 4;  // at most

struct Step {
  std::size_t writer = 0;
  std::uint32_t kind = 0;  // of what it does, any number
  std::uint32_t seed = 0;  // of how
  bool operator==(const Step&) const = default;
};
using Schedule = std::vector<Step>;

// How often that was done which a schedule may be too short for.
struct ScheduleCounts {
  std::uint64_t afresh = 0;     // states that were computed anew
  std::uint64_t removals = 0;   // names that must not come back
  std::uint64_t snapshots = 0;  // schedules with one before their end
  std::uint64_t cut = 0;        // kills while a snapshot was being stored
};

Schedule random_schedule(std::uint32_t seed, std::size_t steps);

// What it broke, in words; empty: nothing. `directory`: for the journals; emptied first.
// Counts are added to `counts`.
std::string run_schedule(const Schedule& schedule, const std::filesystem::path& directory,
                         ScheduleCounts* counts = nullptr);

// The shortest part of it that was found to break something too.
Schedule shrink(Schedule schedule, const std::filesystem::path& directory);

std::string describe(const Schedule& schedule);

}  // namespace spotfs
