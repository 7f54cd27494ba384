// What the fuzzers share. Each one defines decode(), which entry.cpp calls with libFuzzer's input.
#pragma once

#include <cstdlib>

#include "client/base/bytes.hpp"

namespace spot::fuzz {

// Feeds one decoder. It throws nothing: an exception that leaves a decoder is a finding.
void decode(BytesView input) noexcept;

// What must hold of all that was decoded; otherwise the input is a finding.
inline void require(bool holds) {
  if (!holds) std::abort();
}

inline constexpr std::int64_t kNow = 1'790'000'000;  // Unix seconds

}  // namespace spot::fuzz
