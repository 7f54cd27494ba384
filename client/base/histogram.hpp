// How long something took, counted by size.
//
// Thread: any; add() is two relaxed additions, which nobody waits for. Units: nanoseconds; bounds() in seconds.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>

namespace spot {

class Histogram {
 public:
  // From 10 µs to 30 s, upper bounds; what is longer counts in one more.
  static constexpr std::array kBounds{1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0, 3.0, 10.0, 30.0};

  struct Figures {
    std::array<std::uint64_t, kBounds.size() + 1> counts{};
    double seconds = 0;  // all together

    std::uint64_t count() const noexcept {
      std::uint64_t sum = 0;
      for (const std::uint64_t one : counts) sum += one;
      return sum;
    }
  };

  void add(std::chrono::nanoseconds took) noexcept {
    const std::int64_t length = std::max<std::int64_t>(took.count(), 0);
    std::size_t at = 0;
    while (at < kLimits.size() && length > kLimits[at]) ++at;
    counts_[at].fetch_add(1, std::memory_order_relaxed);
    nanoseconds_.fetch_add(static_cast<std::uint64_t>(length), std::memory_order_relaxed);
  }

  Figures figures() const noexcept {
    Figures out;
    for (std::size_t i = 0; i < counts_.size(); ++i) out.counts[i] = counts_[i].load(std::memory_order_relaxed);
    out.seconds = static_cast<double>(nanoseconds_.load(std::memory_order_relaxed)) / 1e9;
    return out;
  }

 private:
  static constexpr auto kLimits = [] {
    std::array<std::int64_t, kBounds.size()> out{};
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::int64_t>(kBounds[i] * 1e9 + 0.5);
    return out;
  }();

  std::array<std::atomic<std::uint64_t>, kBounds.size() + 1> counts_{};
  std::atomic<std::uint64_t> nanoseconds_{0};
};

}  // namespace spot
