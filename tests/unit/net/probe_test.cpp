// Where a probe ends, over real sockets.
#include "client/net/probe.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <gtest/gtest.h>

#include "tests/unit/relay/tls_fixture.hpp"

namespace spot::relay {
namespace {

using asio::ip::tcp;
using Step = Probe::Step;
using std::chrono::seconds;

class ProbeTest : public TlsTest {
 protected:
  Probe probe(const std::string& host, const std::filesystem::path& ca) {
    return run(probe_relay(ca, Host::parse(host).value(), seconds{30})).value();
  }
};

TEST_F(ProbeTest, EndsBehindTheWebSocketOfARelay) {
  listen();
  EXPECT_EQ(probe(address_, files_.certificate).at, Step::done);
}

TEST_F(ProbeTest, EndsAtANameThatNobodyHas) {
  listen();
  const Probe ended = probe("no-such-host.invalid", files_.certificate);
  EXPECT_EQ(ended.at, Step::name);
  EXPECT_TRUE(ended.why);
}

TEST_F(ProbeTest, EndsAtAPortWhereNobodyListens) {
  listen();
  tcp::socket bound{context_, tcp::endpoint{asio::ip::make_address("127.0.0.1"), 0}};  // taken, but does not listen
  const Probe ended = probe("127.0.0.1:" + std::to_string(bound.local_endpoint().port()), files_.certificate);
  EXPECT_EQ(ended.at, Step::tcp);
  EXPECT_EQ(ended.why, std::errc::connection_refused);
  EXPECT_EQ(ended.why.message(), "connection refused");
}

TEST_F(ProbeTest, EndsAtTheCertificateOfAnotherHost) {
  listen({}, {}, {"relay.test"});
  const Probe ended = probe(address_, files_.certificate);
  EXPECT_EQ(ended.at, Step::tls);
  EXPECT_EQ(ended.why, Errc::wrong_host);
}

TEST_F(ProbeTest, EndsAtAFileThatHasNoCertificates) {
  listen();
  EXPECT_EQ(probe(address_, "/dev/null").at, Step::certificates);
}

// A server with the right certificate that hangs up when it is asked for a WebSocket.
asio::awaitable<void> hang_up(std::shared_ptr<tcp::acceptor> acceptor, std::shared_ptr<asio::ssl::context> context) {
  for (;;) {
    auto [failed, socket] = co_await acceptor->async_accept(asio::as_tuple(asio::use_awaitable));
    if (failed) co_return;
    asio::ssl::stream<tcp::socket> stream{std::move(socket), *context};
    const auto [ec] =
        co_await stream.async_handshake(asio::ssl::stream_base::server, asio::as_tuple(asio::use_awaitable));
    if (ec) continue;
    std::array<char, 64> bytes{};
    co_await stream.async_read_some(asio::buffer(bytes), asio::as_tuple(asio::use_awaitable));
  }
}

TEST_F(ProbeTest, EndsAtAServerThatIsNoRelay) {
  listen();
  const tcp::endpoint any{asio::ip::make_address("127.0.0.1"), 0};
  const auto acceptor = std::make_shared<tcp::acceptor>(context_, any);
  const auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
  context->use_certificate_chain_file(files_.certificate);
  context->use_private_key_file(files_.key, asio::ssl::context::pem);
  asio::co_spawn(context_, hang_up(acceptor, context), asio::detached);
  const Probe ended = probe("127.0.0.1:" + std::to_string(acceptor->local_endpoint().port()), files_.certificate);
  EXPECT_EQ(ended.at, Step::websocket);
  acceptor->close();
}

}  // namespace
}  // namespace spot::relay
