// Schedules as such: how one is drawn, written down, and made shorter.
#include <algorithm>
#include <random>

#include "tests/unit/index/schedules.hpp"

namespace spotfs {

Schedule random_schedule(std::uint32_t seed, std::size_t steps) {
  std::mt19937 random{seed};
  const std::size_t writers = 2 + random() % (kWriters - 1);
  Schedule out;
  for (std::size_t i = 0; i < steps; ++i) {
    Step step;
    step.writer = random() % 5 == 0 ? random() % kWriters : random() % writers;
    step.kind = static_cast<std::uint32_t>(random() % 100);
    step.seed = static_cast<std::uint32_t>(random());
    out.push_back(step);
  }
  return out;
}

Schedule shrink(Schedule schedule, const std::filesystem::path& directory) {
  for (std::size_t part = schedule.size() / 2; part > 0; part /= 2) {
    for (std::size_t begin = 0; begin < schedule.size();) {
      Schedule shorter = schedule;
      const auto from = shorter.begin() + static_cast<std::ptrdiff_t>(begin);
      shorter.erase(from, from + static_cast<std::ptrdiff_t>(std::min(part, schedule.size() - begin)));
      if (!run_schedule(shorter, directory).empty())
        schedule = std::move(shorter);
      else
        begin += part;
    }
  }
  return schedule;
}

std::string describe(const Schedule& schedule) {
  std::string out;
  for (const Step& step : schedule)
    out +=
        "{" + std::to_string(step.writer) + ", " + std::to_string(step.kind) + ", " + std::to_string(step.seed) + "}, ";
  return out;
}

}  // namespace spotfs
