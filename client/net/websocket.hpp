// Connections to relays: WebSocket over TLS (RFC 6455; protocol.md, section 4).
//
// Thread and errors: as Dialer and Transport say; those of tls.hpp where TLS fails, bad_handshake where the host does
// not speak WebSocket.
#pragma once

#include <chrono>

#include "client/net/tls.hpp"
#include "client/net/transport.hpp"

namespace spot {

// `timeout` bounds each dial, up to the end of the WebSocket handshake.
std::shared_ptr<Dialer> make_websocket_dialer(TlsContext context, std::chrono::milliseconds timeout);

}  // namespace spot
