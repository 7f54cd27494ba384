#include "mount/ctl/fields.hpp"

#include <array>
#include <cstdio>
#include <ctime>

#include <boost/json/array.hpp>

#include "fs/tree/control/lines.hpp"

namespace spotfs::ctl {
namespace {

constexpr std::size_t kMostText = 8'192;

}  // namespace

std::string_view string_of(const json::object& line, std::string_view name) {
  const json::value* const value = line.if_contains(name);
  return value != nullptr && value->is_string() ? std::string_view{value->get_string()} : std::string_view{};
}

std::string text_of(const json::object& line, std::string_view name) {
  return tree::printable_once(string_of(line, name), kMostText);
}

std::uint64_t number_of(const json::object& line, std::string_view name) {
  const json::value* const value = line.if_contains(name);
  if (value == nullptr) return 0;
  if (value->is_uint64()) return value->get_uint64();
  return value->is_int64() && value->get_int64() > 0 ? static_cast<std::uint64_t>(value->get_int64()) : 0;
}

double real_of(const json::object& line, std::string_view name) {
  const json::value* const value = line.if_contains(name);
  return value != nullptr && value->is_number() ? value->to_number<double>() : 0;
}

bool flag_of(const json::object& line, std::string_view name) {
  const json::value* const value = line.if_contains(name);
  return value != nullptr && value->is_bool() && value->get_bool();
}

const json::object& object_of(const json::object& line, std::string_view name) {
  static const json::object none;
  const json::value* const value = line.if_contains(name);
  return value != nullptr && value->is_object() ? value->get_object() : none;
}

const json::array& array_of(const json::object& line, std::string_view name) {
  static const json::array none;
  const json::value* const value = line.if_contains(name);
  return value != nullptr && value->is_array() ? value->get_array() : none;
}

std::string size_text(std::uint64_t bytes) {
  constexpr std::array kUnits{"bytes", "KiB", "MiB", "GiB", "TiB", "PiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; value >= 1024 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), unit == 0 ? "%.0f %s" : "%.1f %s", value, kUnits[unit]);
  return text.data();
}

std::string milliseconds_text(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f ms", value);
  return text.data();
}

std::string count_text(std::uint64_t count, std::string_view one, std::string_view many) {
  return std::to_string(count) + " " + std::string{count == 1 ? one : many};
}

std::string moment_text(std::uint64_t seconds) {
  const auto whole = static_cast<std::time_t>(seconds);
  std::tm parts{};
  if (::gmtime_r(&whole, &parts) == nullptr) return "?";
  std::array<char, 64> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text.data();
}

}  // namespace spotfs::ctl
