// Which relays there are: asked of the discovery host over HTTPS (protocol.md, section 4).
//
// Thread: any. Errors: discovery_failed with a text; those of tls.hpp.
#pragma once

#include <string>
#include <vector>

#include "client/base/failure.hpp"
#include "client/net/tls.hpp"

namespace spot {

struct Discovery {
  std::vector<std::string> hosts;  // "host[:port]", at most 64, each one valid
  std::size_t wanted = 0;          // connections, 0: to all
};

// The body of the answer; at most kMaxDiscoverySize bytes.
inline constexpr std::size_t kMaxDiscoverySize = 64 << 10;
Answer<Discovery> parse_discovery(std::string_view json);

asio::awaitable<Answer<Discovery>> discover(TlsContext context, std::string host, std::chrono::milliseconds timeout);

}  // namespace spot
