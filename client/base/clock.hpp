// The time, as something that a test can set.
#pragma once

#include <chrono>

namespace spot {

class Clock {
 public:
  using Wall = std::chrono::sys_time<std::chrono::nanoseconds>;
  using Steady = std::chrono::nanoseconds;  // since some fixed moment; goes on during a suspend (CLOCK_BOOTTIME)

  virtual ~Clock() = default;
  virtual Wall wall() const = 0;
  virtual Steady steady() const = 0;

  // The machine's clocks. Thread: any. Lifetime: the program's.
  static const Clock& system() noexcept;
};

}  // namespace spot
