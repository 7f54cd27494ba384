// "host[:port]" as users and discovery give it; an IPv6 address stands in brackets.
//
// Thread: values. Errors: malformed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "client/base/result.hpp"

namespace spot {

struct Host {
  std::string name;  // without brackets
  std::uint16_t port = 443;

  static Result<Host> parse(std::string_view text);
  // As in a URL and the Host header: brackets where needed, the port where it is not 443.
  std::string authority() const;
};

}  // namespace spot
