#include "mount/relay/web.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/version.hpp>
#include <boost/beast/websocket.hpp>
#include <spdlog/spdlog.h>

#include "client/base/encoding.hpp"
#include "client/net/gather.hpp"

namespace spot::relay {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;

constexpr std::string_view kDiscoveryPath = "/_special/rest/Spot:connect";
constexpr std::string_view kSocketPath = "/_websocket";
constexpr std::uint32_t kMaxRequestHeader = 8 << 10;
constexpr std::chrono::seconds kCloseTimeout{2};
constexpr std::chrono::seconds kIdleTimeout{60};  // a ping is sent at half of it

// A TLS WebSocket; the TLS stream below puts a frame into one record.
struct Socket {
  Socket(asio::ip::tcp::socket s, Web& web, std::string name, std::shared_ptr<void> held)
      : stream{beast::tcp_stream{std::move(s)}, web.tls}, peer{std::move(name)}, place{std::move(held)} {}
  beast::tcp_stream& tcp() { return beast::get_lowest_layer(stream); }

  beast::ssl_stream<beast::tcp_stream>& tls() { return stream.next_layer().next_layer(); }

  websocket::stream<GatherStream<beast::ssl_stream<beast::tcp_stream>>> stream;
  const std::string peer;
  const std::shared_ptr<void> place;
  std::size_t largest = 0;  // packet that may come
  bool sending = false;
  bool closing = false;
};

class WebSocketTransport final : public Transport {
 public:
  explicit WebSocketTransport(std::shared_ptr<Socket> socket) : socket_{std::move(socket)} {}

  asio::awaitable<Result<Bytes>> receive() override {
    const auto socket = socket_;
    Bytes packet;
    for (;;) {
      boost::system::error_code ec;
      auto buffer = asio::dynamic_buffer(packet);
      const std::size_t room = socket->largest + 1 - packet.size();
      co_await socket->stream.async_read_some(buffer, room, asio::redirect_error(asio::use_awaitable, ec));
      if (ec || socket->closing) co_return fail(Errc::connection_lost);
      if (packet.size() > socket->largest) co_return fail(Errc::too_large);
      if (!socket->stream.is_message_done()) continue;
      if (socket->stream.got_binary()) co_return packet;
      packet.clear();
    }
  }

  bool has_more() const override {
    if (SSL_has_pending(socket_->tls().native_handle()) == 1) return true;
    boost::system::error_code ignored;
    return socket_->tcp().socket().available(ignored) != 0;
  }

  asio::awaitable<Result<void>> send(Bytes packet) override {
    const auto socket = socket_;
    if (socket->closing) co_return fail(Errc::connection_lost);
    boost::system::error_code ec;
    socket->sending = true;
    co_await socket->stream.async_write(asio::buffer(packet), asio::redirect_error(asio::use_awaitable, ec));
    socket->sending = false;
    if (ec) co_return fail(Errc::connection_lost);
    co_return Result<void>{};
  }

  asio::awaitable<Result<void>> send_all(std::vector<Bytes> packets) override {
    if (packets.size() == 1) co_return co_await send(std::move(packets.front()));
    const auto socket = socket_;
    auto writes = Transport::send_all(std::move(packets));
    co_return co_await socket->stream.next_layer().together(std::move(writes));
  }

  void close(std::uint16_t code, std::string reason) override {
    if (std::exchange(socket_->closing, true)) return;
    // Behind a frame that the other side does not read, the closing one would wait for ever.
    if (socket_->sending || socket_->stream.next_layer().gathers()) return socket_->tcp().close();
    asio::co_spawn(socket_->stream.get_executor(), say_goodbye(socket_, code, std::move(reason)), asio::detached);
  }

  Bytes certificate_digest() const override { return {}; }
  std::string peer_name() const override { return socket_->peer; }

 private:
  static asio::awaitable<void> say_goodbye(std::shared_ptr<Socket> socket, std::uint16_t code, std::string reason) {
    constexpr std::size_t kMaxReason = 123;  // RFC 6455, 5.5
    const websocket::close_reason why{websocket::close_code{code},
                                      beast::string_view{reason.data(), std::min(reason.size(), kMaxReason)}};
    boost::system::error_code ignored;
    co_await socket->stream.async_close(why, asio::redirect_error(asio::use_awaitable, ignored));
  }

  const std::shared_ptr<Socket> socket_;
};

using Request = http::request<http::empty_body>;

http::response<http::string_body> answer(const Request& request, const std::string& discovery) {
  const auto target = request.target();
  const auto path = target.substr(0, target.find('?'));
  const bool found = request.method() == http::verb::get && path == kDiscoveryPath;
  http::response<http::string_body> response{found ? http::status::ok : http::status::not_found, request.version()};
  response.set(http::field::content_type, found ? "application/json" : "text/plain");
  response.body() = found ? discovery : "not found\n";
  response.keep_alive(request.keep_alive());
  response.prepare_payload();
  return response;
}

// Answers requests until one asks for the WebSocket.
asio::awaitable<std::optional<Request>> next_upgrade(Socket& socket, const std::string& discovery) {
  auto& tls = socket.tls();
  beast::flat_buffer buffer{2 * kMaxRequestHeader};
  for (;;) {
    http::request_parser<http::empty_body> parser;
    parser.header_limit(kMaxRequestHeader);
    parser.body_limit(0);
    boost::system::error_code ec;
    co_await http::async_read(tls, buffer, parser, asio::redirect_error(asio::use_awaitable, ec));
    if (ec) co_return std::nullopt;
    const Request& request = parser.get();
    // A WebSocket client waits for our answer: nothing of its frames is in the buffer.
    if (websocket::is_upgrade(request) && request.target() == kSocketPath && buffer.size() == 0)
      co_return parser.release();
    const auto response = answer(request, discovery);
    co_await http::async_write(tls, response, asio::redirect_error(asio::use_awaitable, ec));
    if (ec) co_return std::nullopt;
    if (!response.keep_alive()) {
      co_await tls.async_shutdown(asio::redirect_error(asio::use_awaitable, ec));
      co_return std::nullopt;
    }
  }
}

}  // namespace

asio::awaitable<void> serve_connection(std::shared_ptr<Web> web, asio::ip::tcp::socket accepted, std::string peer,
                                       std::shared_ptr<void> place) {
  const auto start = std::chrono::steady_clock::now();
  const Limits& limits = web->relay->options().limits;
  boost::system::error_code ec;
  accepted.set_option(asio::ip::tcp::no_delay{true}, ec);
  const auto socket = std::make_shared<Socket>(std::move(accepted), *web, std::move(peer), std::move(place));
  socket->tcp().expires_after(limits.handshake);
  co_await socket->tls().async_handshake(asio::ssl::stream_base::server, asio::redirect_error(asio::use_awaitable, ec));
  if (ec) {
    spdlog::debug("{}: no TLS: {}", socket->peer, printable(ec.message()));
    co_return;
  }
  const auto upgrade = co_await next_upgrade(*socket, web->discovery);
  if (!upgrade) co_return;
  websocket::stream_base::timeout timeout;
  timeout.handshake_timeout = kCloseTimeout;
  timeout.idle_timeout = kIdleTimeout;
  timeout.keep_alive_pings = true;
  socket->tcp().expires_never();
  socket->stream.set_option(timeout);
  socket->stream.read_message_max(2 * kMaxPacketSize);  // the transport's own limit comes first
  socket->largest = limits.handshake_packet;
  socket->stream.binary(true);
  co_await socket->stream.async_accept(*upgrade, asio::redirect_error(asio::use_awaitable, ec));
  if (ec) co_return;

  Arrival arrival;
  arrival.transport = std::make_unique<WebSocketTransport>(socket);
  arrival.strand = socket->stream.get_executor();
  arrival.accepted = start;
  arrival.certificate = web->certificate;
  arrival.authenticated = [weak = std::weak_ptr{socket}] {
    if (const auto held = weak.lock()) held->largest = kMaxPacketSize;
  };
  web->relay->attach(std::move(arrival));
}

}  // namespace spot::relay
