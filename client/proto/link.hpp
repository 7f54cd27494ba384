// When a host is dialled again, and when it is given up: exponential back-off with jitter (protocol.md, section 4).
//
// Thread: one at a time. Times are of Clock::steady().
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "client/base/clock.hpp"

namespace spot {

inline constexpr std::size_t kMaxHosts = 10;

class Backoff {
 public:
  static constexpr std::chrono::seconds kFirst{1}, kLongest{60}, kStable{30};
  static constexpr int kGiveUpAfter = 10;  // failures in a row

  void online(Clock::Steady now) noexcept { online_ = now; }
  // The session or the attempt has ended. How long to wait before the next one; nullopt: give the host up.
  // `chance` is uniform in [0, 1): the wait is between half and all of the present step.
  std::optional<std::chrono::nanoseconds> ended(Clock::Steady now, double chance) noexcept;
  void reset() noexcept { *this = {}; }
  int failures() const noexcept { return failures_; }

 private:
  int failures_ = 0;
  std::optional<Clock::Steady> online_;
};

// How many of a discovered list are connected to: `wanted` of them, all if it is 0, at most kMaxHosts.
std::vector<std::string> choose_hosts(std::vector<std::string> hosts, std::size_t wanted, std::uint64_t seed);

}  // namespace spot
