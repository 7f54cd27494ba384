// The time as a test says it is.
//
// Thread: one.
#pragma once

#include "client/base/clock.hpp"

namespace spotfs {

class SetClock final : public spot::Clock {
 public:
  Wall wall() const override { return Wall{std::chrono::seconds{1'790'000'000} + now + skew}; }
  Steady steady() const override { return now; }

  std::chrono::nanoseconds now{std::chrono::hours{1}};
  std::chrono::nanoseconds skew{};  // how wrong the wall clock is
};

}  // namespace spotfs
