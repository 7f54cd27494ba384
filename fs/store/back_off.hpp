// How long to wait after a failure: a second, then each time twice as long, up to half a minute.
//
// Thread: values. Source: files.md, "writeback".
#pragma once

#include <algorithm>
#include <chrono>

namespace spotfs {

inline constexpr std::chrono::nanoseconds kFirstPause = std::chrono::seconds{1};
inline constexpr std::chrono::nanoseconds kLongestPause = std::chrono::seconds{30};

// After one more failure; `pause`: after the one before, 0 if there was none.
inline std::chrono::nanoseconds longer(std::chrono::nanoseconds pause) noexcept {
  return std::clamp(pause * 2, kFirstPause, kLongestPause);
}

}  // namespace spotfs
