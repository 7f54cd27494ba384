// How far the scrub of a state directory is, as the journal keeps it.
//
// Thread: values.
#pragma once

#include <cstdint>
#include <string>

namespace spotfs {

// Times are milliseconds since 1970; 0: never.
struct ScrubMark {
  std::int64_t begun = 0;
  std::int64_t ended = 0;  // when the last one was whole
  std::string at;          // how far the one is that has begun, in its own words; empty: at its beginning
  bool is_under_way() const noexcept { return begun != 0 && begun > ended; }
};

}  // namespace spotfs
