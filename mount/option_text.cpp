#include "mount/option_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <grp.h>
#include <pwd.h>

#include "client/base/encoding.hpp"

namespace spotfs::mount {
namespace {

using spot::Answer;
using spot::Errc;
using spot::Failure;
using std::chrono::milliseconds;

struct Unit {
  std::string_view name;
  std::int64_t milliseconds;
};
constexpr std::array units{Unit{"ms", 1}, Unit{"s", 1'000}, Unit{"m", 60'000}, Unit{"h", 3'600'000},
                           Unit{"d", 86'400'000}};
constexpr std::array<std::string_view, 5> kSizeUnits{"", "K", "M", "G", "T"};  // each 1,024 of the one before
constexpr unsigned kMostId = 0xFFFF'FFFE;
constexpr std::int64_t kMostDigits = 1'000'000'000;  // so that no unit overflows

Failure wrong(std::string text) { return {Errc::bad_argument, std::move(text)}; }

std::string quoted(std::string_view text) { return "\"" + spot::printable(text) + "\""; }

std::optional<std::string> unquoted(std::string_view value) {
  if (!value.starts_with('"')) return std::string{value};
  if (value.size() < 2 || !value.ends_with('"')) return std::nullopt;
  return std::string{value.substr(1, value.size() - 2)};
}

}  // namespace

Answer<std::vector<OptionWord>> split_options(std::string_view list) {
  std::vector<OptionWord> words;
  while (!list.empty()) {
    bool quotes = false;
    std::size_t end = 0;
    for (; end < list.size() && (quotes || list[end] != ','); ++end) {
      if (list[end] == '"') quotes = !quotes;
    }
    const std::string_view word = list.substr(0, end);
    list.remove_prefix(std::min(end + 1, list.size()));
    if (word.empty()) continue;
    if (quotes) return wrong(spot::printable(word) + ": a quote (\") is not closed");
    OptionWord parsed;
    parsed.text = word;
    const auto equals = word.find('=');
    parsed.name = word.substr(0, equals);
    if (equals != word.npos) {
      parsed.value = unquoted(word.substr(equals + 1));
      if (!parsed.value) return wrong(spot::printable(word) + ": put the quotes round the whole value");
    }
    words.push_back(std::move(parsed));
  }
  return words;
}

Answer<std::vector<std::string>> split_list(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (std::string_view rest = text;;) {
    const auto end = rest.find(separator);
    parts.emplace_back(rest.substr(0, end));
    if (parts.back().empty()) return wrong(quoted(text) + " has an empty part");
    if (end == rest.npos) return parts;
    rest.remove_prefix(end + 1);
  }
}

std::string duration_text(milliseconds duration) {
  const Unit* best = &units.front();
  for (const Unit& unit : units) {
    if (duration.count() != 0 && duration.count() % unit.milliseconds == 0) best = &unit;
  }
  if (duration.count() == 0) return "0";
  return std::to_string(duration.count() / best->milliseconds).append(best->name);
}

Answer<milliseconds> parse_duration(std::string_view text, milliseconds least, milliseconds most) {
  const Failure failure = wrong(quoted(text) + " is not a time from " + duration_text(least) + " to " +
                                duration_text(most) + " (seconds, or with a unit: 500ms, 30s, 5m, 1h)");
  std::int64_t number = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (ec != std::errc{} || number < 0 || number > kMostDigits) return failure;
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  std::int64_t factor = unit.empty() ? 1'000 : 0;
  for (const Unit& known : units) {
    if (known.name == unit) factor = known.milliseconds;
  }
  const milliseconds duration{number * factor};
  if (factor == 0 || duration < least || duration > most) return failure;
  return duration;
}

std::string size_text(std::uint64_t bytes) {
  std::size_t unit = 0;
  for (; unit + 1 < kSizeUnits.size() && bytes != 0 && bytes % 1'024 == 0; ++unit) bytes /= 1'024;
  return std::to_string(bytes).append(kSizeUnits[unit]);
}

Answer<std::uint64_t> parse_size(std::string_view text, std::uint64_t least, std::uint64_t most) {
  const Failure failure = wrong(quoted(text) + " is not a size from " + size_text(least) + " to " + size_text(most) +
                                " (bytes, or with a unit: 512K, 64M, 1G)");
  std::uint64_t number = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (ec != std::errc{}) return failure;
  const auto* const unit = std::ranges::find(kSizeUnits, text.substr(static_cast<std::size_t>(end - text.data())));
  if (unit == kSizeUnits.end()) return failure;
  const auto shift = 10 * static_cast<unsigned>(unit - kSizeUnits.begin());
  if (number > most >> shift || number << shift < least) return failure;
  return number << shift;
}

Answer<unsigned> parse_count(std::string_view text, unsigned least, unsigned most) {
  unsigned number = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (ec != std::errc{} || end != text.data() + text.size() || number < least || number > most) {
    return wrong(quoted(text) + " is not a number from " + std::to_string(least) + " to " + std::to_string(most));
  }
  return number;
}

Answer<uid_t> parse_user(const std::string& text) {
  if (const passwd* const found = ::getpwnam(text.c_str())) return found->pw_uid;
  const auto number = parse_count(text, 0, kMostId);
  if (!number) return wrong(quoted(text) + " is no user of this machine: give a name or number");
  return *number;
}

Answer<gid_t> parse_group(const std::string& text) {
  if (const group* const found = ::getgrnam(text.c_str())) return found->gr_gid;
  const auto number = parse_count(text, 0, kMostId);
  if (!number) return wrong(quoted(text) + " is no group of this machine: give its name or number");
  return *number;
}

Answer<mode_t> parse_mask(std::string_view text) {
  mode_t bits = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), bits, 8);
  if (ec != std::errc{} || end != text.data() + text.size() || bits > 0777)
    return wrong(quoted(text) + " is no mask of permissions: give octal digits, such as 022");
  return bits;
}

}  // namespace spotfs::mount
