// A relay in the test's hands: it does what a relay does, until the test tells it to do something else.
//
// Thread: one io_context, run by one thread. Lifetime: shared; connections hold it.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/steady_timer.hpp>

#include "client/bottle/id_card.hpp"
#include "client/net/transport.hpp"
#include "client/proto/packet.hpp"

namespace spot::fake {

class Relay : public Dialer, public std::enable_shared_from_this<Relay> {
 public:
  explicit Relay(asio::any_io_executor executor) : executor_{std::move(executor)} {}

  // What it has, free to be changed.
  std::map<Sha256, Bytes> cards;
  std::map<std::string, Bytes> blobs;
  std::map<Bytes, std::vector<Sha256>> groups;  // members by the group's key
  bool refuses_connections = false;

  // What it saw.
  std::vector<Bytes> handshakes;  // bodies of handshake responses
  std::vector<Message> messages;  // as they came, with the sender completed
  std::size_t closed_in_handshake = 0;

  // Where it misbehaves. Empty: it does not.
  std::function<Bytes()> handshake;                      // the body of the first handshake request
  std::function<std::optional<Message>(Message)> route;  // what becomes of a message to an identity; none: lost
  std::function<std::optional<Message>(const Message& question, Message answer)> answer;  // of `@`

  // To every connection of that identity, as it is.
  void send(const Sha256& identity, const Message& message);
  void send_packet(const Sha256& identity, PacketType type, Bytes body);
  void drop_connections();
  std::size_t connection_count() const { return connections_.size(); }

  asio::awaitable<Result<std::unique_ptr<Transport>>> dial(std::string host) override;

  // A valid request.
  static Bytes handshake_request(bool ready, BytesView certificate = {});

 private:
  struct Connection {
    std::shared_ptr<Transport> transport;
    Sha256 identity{};
    bool ready = false;
  };
  using ConnectionPointer = std::shared_ptr<Connection>;

  static asio::awaitable<void> serve(std::shared_ptr<Relay> self, ConnectionPointer connection);
  asio::awaitable<bool> shake_hands(ConnectionPointer connection);
  void take(const ConnectionPointer& connection, Message message);
  Message answer_system(const ConnectionPointer& connection, const Message& question);
  void send(const ConnectionPointer& connection, Bytes packet);

  const asio::any_io_executor executor_;
  std::vector<ConnectionPointer> connections_;
};

}  // namespace spot::fake
