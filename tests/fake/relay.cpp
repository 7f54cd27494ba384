#include "tests/fake/relay.hpp"

#include <algorithm>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "client/base/encoding.hpp"
#include "client/bottle/open.hpp"
#include "client/proto/address.hpp"

namespace spot::fake {
namespace {

constexpr const char* kConnection = "c.fake.1";

// The field of a handshake response.
Bytes field(BytesView response, std::string_view name) {
  cbor::Reader reader{response};
  const std::size_t pairs = reader.read_map().value();
  for (std::size_t i = 0; i < pairs; ++i) {
    const bool wanted = reader.read_text().value() == name;
    const BytesView value = reader.read_bytes().value();
    if (wanted) return to_bytes(value);
  }
  return {};
}

Bytes payload_of(const Message& message) {
  const auto opened = open_bottle(message.body, nullptr);
  return opened ? opened->payload : Bytes{};
}

}  // namespace

Bytes Relay::handshake_request(bool ready, BytesView certificate) {
  cbor::Writer writer;
  writer.put_map(certificate.empty() ? 5 : 6);
  writer.put_text("rdy").put_bool(ready);
  writer.put_text("srv").put_text("fake");
  writer.put_text("cid").put_text("fake.1");
  writer.put_text("rnd").put_bytes(random_array<32>());
  writer.put_text("grp").put_null();
  if (!certificate.empty()) writer.put_text("tls").put_bytes(certificate);
  return writer.take();
}

asio::awaitable<Result<std::unique_ptr<Transport>>> Relay::dial(std::string) {
  if (refuses_connections) co_return fail(Errc::offline);
  auto [ours, theirs] = make_pipe(executor_, co_await asio::this_coro::executor);
  auto connection = std::make_shared<Connection>();
  connection->transport = std::move(ours);
  asio::co_spawn(executor_, serve(shared_from_this(), connection), asio::detached);
  co_return std::move(theirs);
}

asio::awaitable<void> Relay::serve(std::shared_ptr<Relay> self, ConnectionPointer connection) {
  self->connections_.push_back(connection);
  if (co_await self->shake_hands(connection)) {
    for (;;) {
      const auto bytes = co_await connection->transport->receive();
      if (!bytes) break;
      const auto packet = decode_packet(*bytes);
      if (!packet) break;
      if (packet->type == PacketType::ping) self->send(connection, *bytes);
      if (packet->type == PacketType::handshake) self->handshakes.push_back(to_bytes(packet->body));
      if (packet->type != PacketType::message) continue;
      auto message = decode_message(packet->body);
      if (message) self->take(connection, std::move(*message));
    }
  }
  std::erase(self->connections_, connection);
}

asio::awaitable<bool> Relay::shake_hands(ConnectionPointer connection) {
  const Bytes request = handshake ? handshake() : handshake_request(false);
  Bytes packet = encode_packet(PacketType::handshake, request);
  if (!co_await connection->transport->send(std::move(packet))) co_return false;
  const auto bytes = co_await connection->transport->receive();
  if (!bytes) {
    ++closed_in_handshake;
    co_return false;
  }
  const auto response = decode_packet(*bytes);
  if (!response || response->type != PacketType::handshake) co_return false;
  handshakes.push_back(to_bytes(response->body));
  const Bytes signed_card = field(response->body, "id");
  const auto card = IdCard::load(signed_card, std::int64_t{1} << 40);
  if (!card) co_return false;
  connection->identity = card->hash();
  cards[card->hash()] = signed_card;
  Bytes ready = encode_packet(PacketType::handshake, handshake_request(true));
  if (!co_await connection->transport->send(std::move(ready))) co_return false;
  connection->ready = true;
  co_return true;
}

void Relay::take(const ConnectionPointer& connection, Message message) {
  if (message.sender.starts_with('/')) message.sender = identity_target(connection->identity) + message.sender;
  messages.push_back(message);
  const auto to = Address::parse(message.recipient);
  if (!to) return;
  if (to->kind == AddressKind::server) {
    std::optional<Message> reply = answer_system(connection, message);
    if (answer) reply = answer(message, std::move(*reply));
    if (reply) send(connection, encode_packet(PacketType::message, encode_message(*reply).value()));
    return;
  }
  std::optional<Message> routed = std::move(message);
  if (route) routed = route(std::move(*routed));
  if (!routed) return;
  const auto place = Address::parse(routed->recipient);
  if (place) send(place->hash, *routed);
}

Message Relay::answer_system(const ConnectionPointer&, const Message& question) {
  const Address to = Address::parse(question.recipient).value();
  Message reply;
  reply.id = question.id;
  reply.flags = flag::response | flag::not_bottle;
  reply.sender = "@/" + to.endpoint;
  reply.recipient = kConnection + question.sender.substr(question.sender.find('/'));
  const Bytes body = payload_of(question);
  const auto refuse = [&](std::string_view text) {
    reply.flags |= flag::error;
    reply.body = to_bytes(text);
  };
  if (to.endpoint == "time") {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    append_be(reply.body, static_cast<std::uint64_t>(std::chrono::floor<std::chrono::seconds>(now).count()));
    append_be(reply.body, std::uint32_t{0});
  } else if (to.endpoint == "idcard_find") {
    Sha256 hash{};
    std::copy_n(body.begin(), std::min(body.size(), hash.size()), hash.begin());
    cards.contains(hash) ? void(reply.body = cards[hash]) : refuse("card not found");
  } else if (to.endpoint == "store_blob") {
    const auto end = std::ranges::find(body, std::uint8_t{0});
    const std::string key(body.begin(), end);
    const Bytes value(end == body.end() ? end : end + 1, body.end());
    value.empty() ? void(blobs.erase(key)) : void(blobs[key] = value);
  } else if (to.endpoint == "fetch_blob") {
    const std::string key = to_string(body);
    blobs.contains(key) ? void(reply.body = blobs[key]) : refuse("blob not found");
  } else if (to.endpoint == "group_list") {
    for (const Sha256& member : groups[body]) append(reply.body, member);
  } else {
    refuse("no such endpoint");
  }
  return reply;
}

void Relay::send(const Sha256& identity, const Message& message) {
  const Bytes packet = encode_packet(PacketType::message, encode_message(message).value());
  for (const auto& connection : connections_) {
    if (connection->ready && connection->identity == identity) send(connection, packet);
  }
}

void Relay::send_packet(const Sha256& identity, PacketType type, Bytes body) {
  for (const auto& connection : connections_) {
    if (connection->ready && connection->identity == identity) send(connection, encode_packet(type, body));
  }
}

void Relay::drop_connections() {
  for (const auto& connection : connections_) connection->transport->close(1001, "dropped");
}

void Relay::send(const ConnectionPointer& connection, Bytes packet) {
  asio::co_spawn(
      executor_,
      [](ConnectionPointer to, Bytes bytes) -> asio::awaitable<void> {
        co_await to->transport->send(std::move(bytes));
      }(connection, std::move(packet)),
      asio::detached);
}

}  // namespace spot::fake
