#include "fs/tree/time_text.hpp"

#include <array>
#include <cstdio>
#include <ctime>

namespace spotfs::tree {

std::string time_text(spot::Clock::Wall time, Precision precision) {
  const auto milliseconds = std::chrono::floor<std::chrono::milliseconds>(time);
  const auto seconds = std::chrono::floor<std::chrono::seconds>(milliseconds);
  const std::time_t whole = seconds.time_since_epoch().count();
  std::tm parts{};
  if (::gmtime_r(&whole, &parts) == nullptr) return "?";
  std::array<char, 64> date{};
  std::strftime(date.data(), date.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::string out{date.data()};
  if (precision == Precision::milliseconds) {
    std::array<char, 8> fraction{};
    std::snprintf(fraction.data(), fraction.size(), ".%03d", static_cast<int>((milliseconds - seconds).count()));
    out += fraction.data();
  }
  return out + "Z";
}

}  // namespace spotfs::tree
