// Moments as people and programs read them: RFC 3339, in UTC.
//
// Thread: pure functions.
#pragma once

#include <string>

#include "client/base/clock.hpp"

namespace spotfs::tree {

enum class Precision { seconds, milliseconds };

std::string time_text(spot::Clock::Wall time, Precision precision);

}  // namespace spotfs::tree
