// Command lines of `.spotfs/ctl`: words between spaces. A word in double quotes may hold anything; in it \" \\ \n and
// \xNN stand for bytes.
//
// Thread: pure functions. Errors: bad_argument, with one line for the user.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client/base/failure.hpp"

namespace spotfs::tree {

// The word as it must be written.
std::string quoted_word(std::string_view word);
spot::Answer<std::vector<std::string>> split_words(std::string_view line);

}  // namespace spotfs::tree
