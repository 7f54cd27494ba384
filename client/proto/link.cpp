#include "client/proto/link.hpp"

#include <algorithm>
#include <random>

namespace spot {

std::optional<std::chrono::nanoseconds> Backoff::ended(Clock::Steady now, double chance) noexcept {
  const bool stable = online_ && now - *online_ >= kStable;
  online_.reset();
  if (stable) failures_ = 0;
  ++failures_;
  if (failures_ >= kGiveUpAfter) return std::nullopt;
  const auto step = std::min<std::chrono::nanoseconds>(kFirst * (1 << (failures_ - 1)), kLongest);
  return std::chrono::duration_cast<std::chrono::nanoseconds>(step * (0.5 + chance / 2));
}

std::vector<std::string> choose_hosts(std::vector<std::string> hosts, std::size_t wanted, std::uint64_t seed) {
  std::ranges::sort(hosts);
  hosts.erase(std::unique(hosts.begin(), hosts.end()), hosts.end());  // clang 14 has no ranges::unique
  std::mt19937_64 random{seed};
  std::ranges::shuffle(hosts, random);
  const std::size_t most = wanted == 0 ? kMaxHosts : std::min(wanted, kMaxHosts);
  if (hosts.size() > most) hosts.resize(most);
  return hosts;
}

}  // namespace spot
