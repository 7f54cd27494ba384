// What is mounted: the word before the directory.
//
//   embedded:DIR               a relay within this program, which keeps everything in DIR
//   wss://HOST[:PORT][,…]      these relays
//   spot:                      the public network, by discovery
//
// Thread: values. Errors: bad_argument, with a line for the user.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "client/base/failure.hpp"

namespace spotfs::mount {

struct Source {
  enum class Kind { embedded, relays, discovery };

  Kind kind = Kind::discovery;
  std::filesystem::path directory;  // of `embedded`, absolute
  std::vector<std::string> hosts;   // of `relays`: "host[:port]", each once
  std::string text;                 // as it was given, what findmnt shows

  static spot::Answer<Source> parse(std::string_view text);
  bool operator==(const Source&) const = default;
};

}  // namespace spotfs::mount
