// Whom the client takes for its relay, over real TLS; and one log line for each whom it does not.
#include <fstream>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <gmock/gmock.h>

#include "client/net/dial_error.hpp"
#include "client/net/websocket.hpp"
#include "tests/unit/relay/tls_fixture.hpp"

namespace spot::relay {
namespace {

namespace ssl = asio::ssl;
using asio::ip::tcp;
using std::chrono::seconds;
constexpr auto use_tuple = asio::as_tuple(asio::use_awaitable);

class TlsDialTest : public TlsTest {
 protected:
  std::error_code dial(const std::string& host, const std::filesystem::path& ca) {
    const auto dialer = make_websocket_dialer(make_tls_context(ca).value(), seconds{10});
    const auto dialled = run(dialer->dial(host));
    return dialled ? std::error_code{} : dialled.error();
  }
  // A client that stays offline, and says why.
  void expect_refusal(ClientOptions options, Errc why) {
    const std::string host = options.hosts[0];
    const auto client = start(std::move(options));
    const std::string line = host + ": " + make_error_code(why).message();
    run_until([&] { return logged(line); });
    EXPECT_EQ(client->connection_count(), 0U);
    EXPECT_EQ(client->connections()[0].last_error, make_error_code(why).message());
    EXPECT_EQ(std::ranges::count(log_, '\n'), 1) << log_;
  }
  CertificateFiles other_certificate(const std::vector<std::string>& names = {"127.0.0.1"}) {
    const auto directory = directory_.path / ("other" + std::to_string(++others_));
    std::filesystem::create_directories(directory);
    return self_signed(directory, names).value().files;
  }
  std::string localhost() const { return "localhost:" + std::to_string(endpoint().port()); }

  int others_ = 0;
};

TEST_F(TlsDialTest, ConnectsToTheHostOfTheCertificate) {
  listen();
  EXPECT_EQ(dial(address_, files_.certificate), std::error_code{});
  EXPECT_TRUE(run(online(over_tls())->get_time()));
}

TEST_F(TlsDialTest, RefusesACertificateThatIsNotTrusted) {
  listen();
  const auto other = other_certificate();
  EXPECT_EQ(dial(address_, other.certificate), Errc::bad_certificate);
  ClientOptions options = over_tls();
  options.ca_file = other.certificate;
  expect_refusal(std::move(options), Errc::bad_certificate);
}

TEST_F(TlsDialTest, RefusesACertificateThatTheSystemDoesNotKnow) {
  listen();
  EXPECT_EQ(dial(address_, {}), Errc::bad_certificate);
}

TEST_F(TlsDialTest, RefusesTheCertificateOfAnotherHost) {
  listen({}, {}, {"relay.test"});
  EXPECT_EQ(dial(address_, files_.certificate), Errc::wrong_host);
  EXPECT_EQ(dial(localhost(), files_.certificate), Errc::wrong_host);
  expect_refusal(over_tls(), Errc::wrong_host);
}

TEST_F(TlsDialTest, RefusesTheCertificateOfAnotherAddress) {
  listen({}, {}, {"127.0.0.2", "localhost"});
  EXPECT_EQ(dial(address_, files_.certificate), Errc::wrong_host);
  EXPECT_EQ(dial(localhost(), files_.certificate), std::error_code{});
}

// Answers whoever connects with plain text, as often as they come.
asio::awaitable<void> speak_plainly(std::shared_ptr<tcp::acceptor> acceptor) {
  for (;;) {
    auto [refused, socket] = co_await acceptor->async_accept(use_tuple);
    if (refused) co_return;
    static constexpr std::string_view kAnswer = "HTTP/1.1 400 Bad Request\r\n\r\n";
    co_await asio::async_write(socket, asio::buffer(kAnswer), use_tuple);
    char hello[1024];
    co_await socket.async_read_some(asio::buffer(hello), use_tuple);
  }
}

TEST_F(TlsDialTest, RefusesAServerWithoutTls) {
  files_ = other_certificate();
  const tcp::endpoint any{asio::ip::make_address("127.0.0.1"), 0};
  const auto acceptor = std::make_shared<tcp::acceptor>(context_, any);
  address_ = "127.0.0.1:" + std::to_string(acceptor->local_endpoint().port());
  asio::co_spawn(context_, speak_plainly(acceptor), asio::detached);
  EXPECT_EQ(dial(address_, files_.certificate), Errc::no_tls);
  expect_refusal(over_tls(), Errc::no_tls);
  acceptor->close();
}

TEST_F(TlsDialTest, SaysThatNobodyListens) {
  listen();
  const std::string gone = address_;
  stop_listening();
  run_until([&] { return dial(gone, files_.certificate) == DialError::refused; });
}

TEST_F(TlsDialTest, SaysThatNobodyHasTheName) {
  listen();
  const std::error_code why = dial("no-such-host.invalid", files_.certificate);
  EXPECT_TRUE(why == DialError::unknown_name || why == DialError::no_name_service) << why.message();
}

TEST_F(TlsDialTest, SaysWhyTheRelayRefusesThisClient) {
  RelayOptions options;
  options.allow = {Sha256{1}};
  listen(std::move(options));
  const auto client = start(over_tls());
  run_until([&] { return logged("this identity is not allowed here: " + client->target_id()); });
  EXPECT_EQ(client->connections()[0].last_error,
            "the relay refuses: this identity is not allowed here: " + client->target_id());
}

// Somebody with a certificate of their own who passes all on between a client and a relay.
class Middle : public std::enable_shared_from_this<Middle> {
 public:
  using Stream = ssl::stream<tcp::socket>;

  Middle(asio::io_context& context, tcp::endpoint relay, const CertificateFiles& files)
      : acceptor_{context, {asio::ip::make_address("127.0.0.1"), 0}}, relay_{std::move(relay)} {
    server_.use_certificate_chain_file(files.certificate);
    server_.use_private_key_file(files.key, ssl::context::pem);
  }
  void start() { asio::co_spawn(acceptor_.get_executor(), serve(shared_from_this()), asio::detached); }
  std::string address() const { return "127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()); }
  void stop() { acceptor_.close(); }

 private:
  static asio::awaitable<void> pass(std::shared_ptr<Stream> from, std::shared_ptr<Stream> to) {
    Bytes buffer(1 << 16);
    for (;;) {
      const auto [ended, size] = co_await from->async_read_some(asio::buffer(buffer), use_tuple);
      if (ended) break;
      const auto [gone, sent] = co_await asio::async_write(*to, asio::buffer(buffer, size), use_tuple);
      if (gone) break;
    }
    boost::system::error_code ignored;
    from->lowest_layer().close(ignored);
    to->lowest_layer().close(ignored);
  }
  static asio::awaitable<void> serve(std::shared_ptr<Middle> self) {
    for (;;) {
      auto [refused, socket] = co_await self->acceptor_.async_accept(use_tuple);
      if (refused) co_return;
      const auto executor = socket.get_executor();
      const auto victim = std::make_shared<Stream>(std::move(socket), self->server_);
      const auto relay = std::make_shared<Stream>(tcp::socket{executor}, self->client_);
      co_await victim->async_handshake(ssl::stream_base::server, use_tuple);
      co_await relay->lowest_layer().async_connect(self->relay_, use_tuple);
      co_await relay->async_handshake(ssl::stream_base::client, use_tuple);
      asio::co_spawn(executor, pass(victim, relay), asio::detached);
      asio::co_spawn(executor, pass(relay, victim), asio::detached);
    }
  }

  tcp::acceptor acceptor_;
  const tcp::endpoint relay_;
  ssl::context server_{ssl::context::tls_server}, client_{ssl::context::tls_client};
};

TEST_F(TlsDialTest, IsNotPassedOnToAnotherRelay) {
  listen();
  // Trusted by the client, as that of a relay of its own would be.
  const auto theirs = other_certificate();
  const auto both = directory_.path / "both.pem";
  std::ofstream{both} << std::ifstream{files_.certificate}.rdbuf() << std::ifstream{theirs.certificate}.rdbuf();
  const auto middle = std::make_shared<Middle>(context_, endpoint(), theirs);
  middle->start();
  ClientOptions options;
  options.hosts = {middle->address()};
  options.ca_file = both;
  const auto client = start(std::move(options));
  run_until([&] { return logged(make_error_code(Errc::bad_handshake).message()); });
  EXPECT_TRUE(logged("the handshake is for a relay with another certificate: someone is in between"));
  EXPECT_EQ(client->connection_count(), 0U);
  middle->stop();
}

TEST_F(TlsDialTest, IsPassedOnByWhoHasTheCertificateOfTheRelay) {
  listen();
  const auto middle = std::make_shared<Middle>(context_, endpoint(), files_);
  middle->start();
  ClientOptions options = over_tls();
  options.hosts = {middle->address()};
  EXPECT_TRUE(run(online(std::move(options))->get_time()));
  middle->stop();
}

}  // namespace
}  // namespace spot::relay
