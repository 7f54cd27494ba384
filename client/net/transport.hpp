// A connection that carries packets, whatever is below: a WebSocket over TLS, or an in-process pair.
//
// Thread: one strand for each transport; receive() and send() may be in progress at the same time, one of each.
// Lifetime: close() ends both with an error; destroy only after they have returned. Errors: connection_lost, too_large,
// stopping; certificate and TLS errors come from dialling.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "client/base/bytes.hpp"
#include "client/base/result.hpp"

namespace spot {

namespace asio = boost::asio;

class Transport {
 public:
  virtual ~Transport() = default;
  virtual asio::awaitable<Result<Bytes>> receive() = 0;  // one packet of at most kMaxPacketSize
  // Is more of what the peer has sent here already, as far as that is known?
  virtual bool has_more() const { return false; }
  virtual asio::awaitable<Result<void>> send(Bytes packet) = 0;
  // In this order; those before one that fails may have been sent. Small ones leave together.
  virtual asio::awaitable<Result<void>> send_all(std::vector<Bytes> packets);
  virtual void close(std::uint16_t code, std::string reason) = 0;
  // SHA-256 of the peer's TLS certificate (DER); empty where there is no TLS.
  virtual Bytes certificate_digest() const = 0;
  virtual std::string peer_name() const = 0;  // host or address, for logs
};

// Makes one connection to a host as the client sees it.
class Dialer {
 public:
  virtual ~Dialer() = default;
  // Runs on the caller's executor, which is the strand of the transport to be.
  virtual asio::awaitable<Result<std::unique_ptr<Transport>>> dial(std::string host) = 0;
};

// Both ends of an in-process connection; each end is used on its own executor.
std::pair<std::unique_ptr<Transport>, std::unique_ptr<Transport>> make_pipe(asio::any_io_executor a,
                                                                            asio::any_io_executor b);

}  // namespace spot
