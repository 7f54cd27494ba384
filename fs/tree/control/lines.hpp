// Lines of JSON that commands answer with: one object each.
//
// Thread: pure functions.
#pragma once

#include <string>

#include <boost/json/object.hpp>

#include "client/base/failure.hpp"

namespace spotfs::tree {

namespace json = boost::json;

// Text where it is UTF-8; else printable() of it, and as base64url under `name`_base64.
void put_text(json::object& to, std::string_view name, std::string_view text);

// Text that is printable in parts: what is escaped already stays as it is. At most `limit` bytes, and an ellipsis.
std::string printable_once(std::string_view text, std::size_t limit = 1024);

// One sentence for the user.
std::string sentence_of(const spot::Failure& failure);
// A failure whose sentence names what it is about.
spot::Failure about(std::string_view what, std::error_code why);
// {"error": "ENETDOWN", "text": …}
json::object error_line(const spot::Failure& failure);
std::string errno_name(std::error_code code);

// With a newline. Control characters that JSON lets pass (DEL, C1) are \uNNNN, so that a terminal may show it.
std::string to_line(const json::object& object);

}  // namespace spotfs::tree
