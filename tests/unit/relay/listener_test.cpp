// The relay on the network: discovery, and what becomes of those who do not keep to the protocol.
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <gmock/gmock.h>

#include "client/net/discovery.hpp"
#include "client/net/websocket.hpp"
#include "tests/unit/relay/tls_fixture.hpp"

namespace spot::relay {
namespace {

using asio::ip::tcp;
using std::chrono::milliseconds;
using std::chrono::seconds;
constexpr auto use_tuple = asio::as_tuple(asio::use_awaitable);

class ListenerTest : public TlsTest {
 protected:
  std::unique_ptr<Transport> dial() {
    const auto dialer = make_websocket_dialer(make_tls_context(files_.certificate).value(), seconds{10});
    auto dialled = run(dialer->dial(address_));
    return dialled ? std::move(*dialled) : nullptr;
  }
  Result<Bytes> receive(Transport& transport) { return run(transport.receive()); }
  // What an HTTP client gets for this.
  std::string ask(std::string request) {
    const auto exchange = [&]() -> asio::awaitable<std::string> {
      auto stream = co_await connect_tls(make_tls_context(files_.certificate).value(), Host::parse(address_).value(),
                                         seconds{10});
      if (!stream) co_return stream.error().message();
      co_await asio::async_write(**stream, asio::buffer(request), use_tuple);
      std::string answer;
      co_await asio::async_read(**stream, asio::dynamic_buffer(answer), use_tuple);
      co_return answer;
    };
    return run(exchange());
  }
  // Until the relay closes a connection on which nothing is said.
  void wait_closed() {
    const auto wait = [&]() -> asio::awaitable<void> {
      tcp::socket socket{context_};
      co_await socket.async_connect(endpoint(), use_tuple);
      char byte = 0;
      co_await socket.async_read_some(asio::buffer(&byte, 1), use_tuple);
    };
    run(wait());
  }
};

TEST_F(ListenerTest, TellsWhereItIs) {
  listen();
  const auto found = run(discover(make_tls_context(files_.certificate).value(), address_, seconds{10}));
  ASSERT_TRUE(found) << found.error().text;
  EXPECT_EQ(found->hosts, std::vector{address_});
}

TEST_F(ListenerTest, TellsTheNamesThatItWasGiven) {
  listen({}, {"one.test", "two.test:8443"});
  const auto found = run(discover(make_tls_context(files_.certificate).value(), address_, seconds{10}));
  ASSERT_TRUE(found) << found.error().text;
  EXPECT_EQ(found->hosts, (std::vector<std::string>{"one.test", "two.test:8443"}));
  EXPECT_EQ(found->wanted, 2U);
}

TEST_F(ListenerTest, ServesNothingElse) {
  listen();
  EXPECT_THAT(ask("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), testing::StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(ask("POST /_special/rest/Spot:connect HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
              testing::StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(ask("GET /_websocket HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
              testing::StartsWith("HTTP/1.1 404"));
}

TEST_F(ListenerTest, ReadsNoMoreOfARequestThanItMust) {
  listen();
  EXPECT_EQ(ask("GET / HTTP/1.1\r\nX: " + std::string(100'000, 'x') + "\r\n\r\n"), "");
  EXPECT_EQ(ask("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n" + std::string(100, 'x')), "");
  EXPECT_EQ(ask("nonsense\r\n\r\n"), "");
}

TEST_F(ListenerTest, BringsAClientOnlineThroughDiscovery) {
  listen();
  ClientOptions options;
  options.discovery_host = address_;
  options.ca_file = files_.certificate;
  EXPECT_TRUE(run(online(std::move(options))->get_time()));
}

TEST_F(ListenerTest, EndsAConnectionThatSaysNothing) {
  RelayOptions options;
  options.limits.handshake = milliseconds{50};
  listen(options);
  wait_closed();
}

TEST_F(ListenerTest, EndsAConnectionThatShakesNoHands) {
  RelayOptions options;
  options.limits.handshake = milliseconds{300};
  listen(options);
  const LogCapture log;
  const auto transport = dial();
  ASSERT_TRUE(transport);
  ASSERT_TRUE(receive(*transport));  // the request
  EXPECT_EQ(receive(*transport).error(), Errc::connection_lost);
  EXPECT_TRUE(log.has("no handshake in time"));
}

TEST_F(ListenerTest, RefusesALargePacketBeforeTheHandshake) {
  listen();
  const LogCapture log;
  const auto transport = dial();
  ASSERT_TRUE(transport);
  ASSERT_TRUE(receive(*transport));
  run(transport->send(Bytes((64 << 10) + 1)));
  EXPECT_EQ(receive(*transport).error(), Errc::connection_lost);
  run_until([&] { return log.has("a packet before the handshake is too large"); });
}

TEST_F(ListenerTest, EndsAConnectionThatSendsTooLargeAPacket) {
  listen();
  const LogCapture log;
  const auto exchange = [&]() -> asio::awaitable<void> {
    auto tls =
        co_await connect_tls(make_tls_context(files_.certificate).value(), Host::parse(address_).value(), seconds{10});
    beast::websocket::stream<TlsStream> stream{std::move(**tls)};
    stream.binary(true);
    co_await stream.async_handshake("x", "/_websocket", use_tuple);
    beast::flat_buffer received;
    co_await stream.async_read(received, use_tuple);
    const auto* const packet = static_cast<const std::uint8_t*>(received.data().data());
    const BytesView request{packet + 1, received.size() - 1};
    const auto keys = new_keys();
    const Bytes response = Guest::response(request, card_of(*keys), keys->self().public_key().pkix(), keys->self());
    co_await stream.async_write(asio::buffer(response), use_tuple);
    co_await stream.async_read(received, use_tuple);
    const Bytes large(kMaxPacketSize + 1);
    co_await stream.async_write(asio::buffer(large), use_tuple);
    const auto [ended, size] = co_await stream.async_read(received, use_tuple);
    EXPECT_TRUE(ended);
    EXPECT_EQ(size, 0U);
  };
  run(exchange());
  run_until([&] { return log.has("a packet is too large"); });
}

TEST_F(ListenerTest, TakesALargePacketAfterTheHandshake) {
  listen();
  auto guest = shake_hands(dial());
  const Bytes ping = encode_packet(PacketType::ping, Bytes(kMaxPacketSize - 1));
  guest->send_packet(ping);
  EXPECT_EQ(guest->receive_packet().value(), ping);
}

TEST_F(ListenerTest, KeepsTheOrderOfPacketsThatAreSentTogether) {
  listen();
  auto guest = shake_hands(dial());
  std::vector<Bytes> pings;
  for (const std::size_t size : {1U, 8U, 100U, 20'000U, 3U, 125U, 126U, 65'536U, 2U})
    pings.push_back(encode_packet(PacketType::ping, Bytes(size, static_cast<std::uint8_t>(pings.size()))));
  guest->send_packets(pings);
  for (const Bytes& ping : pings) EXPECT_EQ(guest->receive_packet().value(), ping);
  guest->send_packet(pings.front());  // and goes on as before
  EXPECT_EQ(guest->receive_packet().value(), pings.front());
}

TEST_F(ListenerTest, TellsOfPacketsThatCouldNotBeSentTogether) {
  listen();
  const auto transport = dial();
  ASSERT_TRUE(transport);
  transport->close(1000, {});
  const auto sent = run(transport->send_all({Bytes{1}, Bytes{2}}));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error(), Errc::connection_lost);
}

TEST_F(ListenerTest, TakesNoMoreConnectionsFromAnAddressThanItMay) {
  RelayOptions options;
  options.limits.connections_per_address = 2;
  listen(options);
  auto a = dial(), b = dial();
  ASSERT_TRUE(a && b);
  EXPECT_FALSE(dial());
  a.reset();
  run_until([&] { return relay_->session_count() == 1; });
  std::unique_ptr<Transport> again;
  while (!again) again = dial();  // its place is free a moment after its session
  EXPECT_TRUE(receive(*again));
}

TEST_F(ListenerTest, TakesNobodyAfterItsStop) {
  listen();
  ASSERT_TRUE(dial());
  listener_->stop();
  run_until([&] { return dial() == nullptr; });
}

}  // namespace
}  // namespace spot::relay
