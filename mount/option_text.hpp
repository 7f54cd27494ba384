// The words and values of an option list, "ro,timeout=30,ca=\"/x,y\"".
//
// Thread: pure functions. Errors: bad_argument, with a text that goes behind "option NAME: ".
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "client/base/failure.hpp"

namespace spotfs::mount {

struct OptionWord {
  std::string name;
  std::optional<std::string> value;  // one pair of quotes round it is taken off
  std::string text;                  // the whole word as it was written
};

// A comma between double quotes does not separate. Empty words are skipped, as mount(8) does.
spot::Answer<std::vector<OptionWord>> split_options(std::string_view list);

// The parts between `separator`; none of them may be empty.
spot::Answer<std::vector<std::string>> split_list(std::string_view text, char separator);

// Seconds, or with a unit: ms, s, m, h, d.
spot::Answer<std::chrono::milliseconds> parse_duration(std::string_view text, std::chrono::milliseconds least,
                                                       std::chrono::milliseconds most);
std::string duration_text(std::chrono::milliseconds duration);

// Bytes, or with a unit: K, M, G, T (1,024 of the one before).
spot::Answer<std::uint64_t> parse_size(std::string_view text, std::uint64_t least, std::uint64_t most);
std::string size_text(std::uint64_t bytes);

spot::Answer<unsigned> parse_count(std::string_view text, unsigned least, unsigned most);

// The name or number of a user, a group of this machine.
spot::Answer<uid_t> parse_user(const std::string& text);
spot::Answer<gid_t> parse_group(const std::string& text);

// Permission bits, in octal: 022.
spot::Answer<mode_t> parse_mask(std::string_view text);

}  // namespace spotfs::mount
