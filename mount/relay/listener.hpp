// The relay on the network: TLS, the discovery answer, and the WebSocket of each client.
//
// Thread: any; each connection has a strand of its own. Lifetime: as Relay: stop(), run the context dry, let go.
// Errors: open() gives one line for the operator.
#pragma once

#include <functional>

#include "mount/relay/certificate.hpp"
#include "mount/relay/relay.hpp"

namespace spot::relay {

struct ListenOptions {
  std::string address = "127.0.0.1:8443";  // of one interface, with a port; an IPv6 address in brackets
  std::vector<std::string> hosts;          // what discovery answers, NAME or NAME:PORT; none: `address`
  CertificateFiles tls;
  // Makes what is missing in `tls`, once the address is ours.
  std::function<Answer<CertificateFiles>()> make_tls{};
  std::vector<asio::any_io_executor> executors{};  // the connections', in turn; none: the relay's
};

// The host and port of "HOST:PORT" or "[HOST]:PORT". Errors: bad_argument, with a line for the operator.
struct HostPort {
  std::string host;
  std::uint16_t port = 0;
};
Answer<HostPort> split_host_port(const std::string& text);

class Listener {
 public:
  static Answer<std::shared_ptr<Listener>> open(std::shared_ptr<Relay> relay, ListenOptions options);
  virtual ~Listener() = default;
  virtual std::string address() const = 0;  // HOST:PORT, with the port that was taken where 0 was asked for
  virtual void stop() = 0;                  // takes no more connections
};

}  // namespace spot::relay
