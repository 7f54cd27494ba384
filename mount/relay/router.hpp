// Who is where, and how a message gets there.
//
// An interface, as several relays will share one later. Thread: any; a coroutine resumes on its caller's executor.
// Errors: peer_offline; rate_exceeded where the recipient has more waiting than it may.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "client/proto/packet.hpp"

namespace spot::relay {

namespace asio = boost::asio;

// A connection as the others see it. Thread: any.
class Mailbox {
 public:
  enum class Offer { taken, full, gone };

  virtual ~Mailbox() = default;
  virtual const std::string& address() const noexcept = 0;  // c.<srv>.<conn>
  virtual Offer offer(Bytes packet) = 0;
  // True if this connection sent that message not long ago: then an answer to it belongs here.
  virtual bool asked(const Uuid& message) = 0;
  // The operator has given its identity another membership, or taken one.
  virtual void given_changed() = 0;
};

class Router {
 public:
  virtual ~Router() = default;

  // False: the identity has as many connections as it may have.
  virtual bool enter(Sha256 identity, std::shared_ptr<Mailbox> mailbox) = 0;
  virtual void leave(const Mailbox& mailbox) = 0;

  // To the connection that asked if the message is a response, else to one of the identity's at random.
  virtual asio::awaitable<Result<void>> to_identity(Sha256 identity, Message message) = 0;
  virtual asio::awaitable<Result<void>> to_any_of(std::vector<Sha256> identities, Message message) = 0;
  virtual asio::awaitable<Result<void>> to_connection(std::string address, Message message) = 0;

  // From here on the connection hears of new cards of that identity; the subscription used longest ago may go for it.
  virtual void subscribe(const Mailbox& mailbox, Sha256 identity) = 0;
  virtual asio::awaitable<void> announce(Sha256 identity, Bytes card) = 0;
  // Tells the connections of the identity what given_changed() says.
  virtual asio::awaitable<void> given_changed(Sha256 identity) = 0;
};

}  // namespace spot::relay
