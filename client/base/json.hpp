// JSON (RFC 8259) from elsewhere, read strictly.
//
// Thread: pure function. Errors: malformed. Memory: bounded by the text, which the caller bounds.
#pragma once

#include <boost/json/value.hpp>

#include "client/base/result.hpp"

namespace spot {

inline constexpr std::size_t kMaxJsonDepth = 8;

// One value, without duplicate keys in any object: Boost.JSON keeps the last of them, others the first.
Result<boost::json::value> parse_json(std::string_view text);

}  // namespace spot
