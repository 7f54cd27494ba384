#include "client/bottle/times.hpp"

#include <charconv>
#include <chrono>
#include <cmath>

namespace spot {
namespace {

constexpr std::uint64_t kTextTag = 0;
constexpr std::uint64_t kNumberTag = 1;
constexpr double kLatest = 253402300799.0;  // the end of the year 9999

Result<int> digits(std::string_view& text, std::size_t count) {
  int value = 0;
  if (text.size() < count) return fail(Errc::malformed);
  const auto [end, ec] = std::from_chars(text.data(), text.data() + count, value);
  if (ec != std::errc{} || end != text.data() + count || text.front() == '-') return fail(Errc::malformed);
  text.remove_prefix(count);
  return value;
}

bool take(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

// RFC 3339: 2026-11-23T12:34:56[.fraction](Z|+hh:mm|-hh:mm); the fraction is dropped.
Result<UnixSeconds> parse_rfc3339(std::string_view text) {
  int fields[6] = {};
  static constexpr std::size_t kWidths[6] = {4, 2, 2, 2, 2, 2};
  static constexpr std::string_view kSeparators[6] = {"-", "-", "Tt ", ":", ":", ""};
  for (int i = 0; i < 6; ++i) {
    const Result<int> value = digits(text, kWidths[i]);
    if (!value || (i < 5 && !take(text, kSeparators[i]))) return fail(Errc::malformed);
    fields[i] = *value;
  }
  const std::chrono::year_month_day day{std::chrono::year{fields[0]},
                                        std::chrono::month{static_cast<unsigned>(fields[1])},
                                        std::chrono::day{static_cast<unsigned>(fields[2])}};
  if (!day.ok() || fields[3] > 23 || fields[4] > 59 || fields[5] > 60) return fail(Errc::malformed);
  if (take(text, "."))
    while (take(text, "0123456789")) {
    }
  UnixSeconds offset = 0;
  if (!take(text, "Zz")) {
    const bool west = !text.empty() && text.front() == '-';
    if (!take(text, "+-")) return fail(Errc::malformed);
    const Result<int> hours = digits(text, 2);
    if (!hours || !take(text, ":")) return fail(Errc::malformed);
    const Result<int> minutes = digits(text, 2);
    if (!minutes) return fail(Errc::malformed);
    offset = (*hours * 60 + *minutes) * 60 * (west ? -1 : 1);
  }
  if (!text.empty()) return fail(Errc::malformed);
  const auto days = std::chrono::sys_days{day}.time_since_epoch().count();
  return UnixSeconds{days} * 86400 + fields[3] * 3600 + fields[4] * 60 + fields[5] - offset;
}

Result<UnixSeconds> read_tagged(cbor::Reader& reader) {
  const Result<std::uint64_t> tag = reader.read_tag();
  if (!tag) return tag.error();
  if (*tag == kTextTag) {
    const Result<std::string_view> text = reader.read_text();
    if (!text) return text.error();
    return parse_rfc3339(*text);
  }
  if (*tag != kNumberTag) return fail(Errc::malformed);
  const Result<double> number = reader.read_number();
  if (!number) return number.error();
  if (!std::isfinite(*number) || std::abs(*number) > kLatest) return fail(Errc::malformed);
  return static_cast<UnixSeconds>(std::floor(*number));
}

}  // namespace

Result<UnixSeconds> read_time(cbor::Reader& reader) {
  const Result<cbor::Type> type = reader.peek();
  if (!type) return type.error();
  return *type == cbor::Type::tag ? read_tagged(reader) : reader.read_integer();
}

}  // namespace spot
