// A host tried step by step, for who wants to know where it ends.
//
// Thread: any; each step takes at most `timeout`. Errors: in the answer itself.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "client/base/failure.hpp"
#include "client/net/host.hpp"
#include "client/net/transport.hpp"

namespace spot {

struct Probe {
  enum class Step { certificates, name, tcp, tls, websocket, done };
  Step at = Step::done;  // the one that failed: of the CA file, of name resolution, …
  std::error_code why;
};

// Up to what a relay's WebSocket answers. `ca_file`: PEM; empty: the system's roots.
asio::awaitable<Answer<Probe>> probe_relay(std::filesystem::path ca_file, Host host, std::chrono::milliseconds timeout);
// Up to TLS.
asio::awaitable<Answer<Probe>> probe_tls(std::filesystem::path ca_file, Host host, std::chrono::milliseconds timeout);
// What the discovery host says, "host[:port]" each; errors as discover().
asio::awaitable<Answer<std::vector<std::string>>> probe_discovery(std::filesystem::path ca_file, std::string host,
                                                                  std::chrono::milliseconds timeout);

}  // namespace spot
