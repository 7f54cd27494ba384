#include "client/base/clock.hpp"

#include <ctime>

namespace spot {
namespace {

std::chrono::nanoseconds read(clockid_t id) noexcept {
  timespec t{};
  clock_gettime(id, &t);
  return std::chrono::seconds{t.tv_sec} + std::chrono::nanoseconds{t.tv_nsec};
}

class SystemClock final : public Clock {
 public:
  Wall wall() const override { return Wall{read(CLOCK_REALTIME)}; }
  Steady steady() const override { return read(CLOCK_BOOTTIME); }
};

}  // namespace

const Clock& Clock::system() noexcept {
  static const SystemClock clock;
  return clock;
}

}  // namespace spot
