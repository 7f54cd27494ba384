// One accepted connection: TLS, then HTTP, which is the discovery answer or becomes a WebSocket and a session.
//
// Liveness is by WebSocket ping frames. Thread: each connection on the strand of its socket.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>

#include "mount/relay/relay.hpp"

namespace spot::relay {

struct Web {
  std::shared_ptr<Relay> relay;
  asio::ssl::context tls{asio::ssl::context::tls_server};
  Bytes certificate;      // SHA-256 of ours
  std::string discovery;  // JSON
};

// `place` is let go of when the connection is gone.
asio::awaitable<void> serve_connection(std::shared_ptr<Web> web, asio::ip::tcp::socket socket, std::string peer,
                                       std::shared_ptr<void> place);

}  // namespace spot::relay
