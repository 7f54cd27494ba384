#include "client/net/websocket.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <boost/beast/websocket/stream.hpp>

#include "client/net/gather.hpp"
#include "client/net/refusal.hpp"
#include "client/proto/packet.hpp"

namespace spot {
namespace {

namespace websocket = beast::websocket;
using Stream = websocket::stream<GatherStream<TlsStream>>;
constexpr auto use_tuple = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::seconds kCloseTimeout{2};
constexpr std::size_t kWriteBuffer = 64 * 1024;  // of masked bytes: a message with a blob leaves in full TLS records

// What the coroutines of a connection share: it outlives the Transport for as long as the close takes.
struct Socket {
  explicit Socket(std::unique_ptr<TlsStream> tls) : stream{std::move(*tls)} {}
  Stream stream;
  beast::flat_buffer buffer{kMaxPacketSize};
  bool closing = false;
};

asio::awaitable<void> say_goodbye(std::shared_ptr<Socket> socket, websocket::close_reason reason) {
  if (std::exchange(socket->closing, true)) co_return;
  // Not the stream's own time limit: it can't be set while a read and a write are under way.
  asio::steady_timer limit{socket->stream.get_executor(), kCloseTimeout};
  limit.async_wait([socket](boost::system::error_code ec) {
    if (!ec) beast::get_lowest_layer(socket->stream).close();
  });
  co_await socket->stream.async_close(reason, use_tuple);
  limit.cancel();
  beast::get_lowest_layer(socket->stream).close();
}

class WebSocketTransport final : public Transport, public Refusable {
 public:
  WebSocketTransport(std::shared_ptr<Socket> socket, std::string host, Bytes digest)
      : socket_{std::move(socket)}, host_{std::move(host)}, digest_{std::move(digest)} {}
  ~WebSocketTransport() override { WebSocketTransport::close(websocket::close_code::going_away, {}); }

  asio::awaitable<Result<Bytes>> receive() override {
    const auto socket = socket_;
    for (;;) {
      const auto [ec, size] = co_await socket->stream.async_read(socket->buffer, use_tuple);
      if (ec) {
        const bool large = ec == websocket::error::message_too_big || ec == websocket::error::buffer_overflow;
        co_return fail(large ? Errc::too_large : Errc::connection_lost);
      }
      const auto data = socket->buffer.cdata();
      const auto* first = static_cast<const std::uint8_t*>(data.data());
      Bytes packet(first, first + data.size());
      socket->buffer.consume(size);
      if (socket->stream.got_binary()) co_return packet;
    }
  }

  asio::awaitable<Result<void>> send(Bytes packet) override {
    if (packet.size() > kMaxPacketSize) co_return fail(Errc::too_large);
    const auto socket = socket_;
    const auto [ec, size] = co_await socket->stream.async_write(asio::buffer(packet), use_tuple);
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
    websocket::close_reason why{static_cast<websocket::close_code>(code)};
    why.reason.assign(reason.data(), std::min<std::size_t>(reason.size(), 120));
    asio::co_spawn(socket_->stream.get_executor(), say_goodbye(socket_, why), asio::detached);
  }

  std::string refusal() const override {
    const websocket::close_reason& why = socket_->stream.reason();
    if (why.code != websocket::close_code::policy_error && why.code != websocket::close_code::try_again_later)
      return {};
    return why.reason.empty() ? "close code " + std::to_string(why.code)
                              : std::string{why.reason.data(), why.reason.size()};
  }
  Bytes certificate_digest() const override { return digest_; }
  std::string peer_name() const override { return host_; }

 private:
  const std::shared_ptr<Socket> socket_;
  const std::string host_;
  const Bytes digest_;
};

class WebSocketDialer final : public Dialer {
 public:
  WebSocketDialer(TlsContext context, std::chrono::milliseconds timeout)
      : context_{std::move(context)}, timeout_{timeout} {}

  asio::awaitable<Result<std::unique_ptr<Transport>>> dial(std::string name) override {
    const auto host = Host::parse(name);
    if (!host) co_return host.error();
    const Host place = *host;
    const TlsContext context = context_;
    auto tls = co_await connect_tls(context, place, timeout_);
    if (!tls) co_return tls.error();
    Bytes digest = spot::certificate_digest(**tls);

    auto socket = std::make_shared<Socket>(std::move(*tls));
    Stream& stream = socket->stream;
    stream.read_message_max(kMaxPacketSize);
    stream.auto_fragment(false);
    stream.write_buffer_bytes(kWriteBuffer);
    stream.binary(true);
    beast::get_lowest_layer(stream).expires_after(timeout_);
    const std::string authority = place.authority();
    const auto [ec] = co_await stream.async_handshake(authority, "/_websocket", use_tuple);
    if (ec) co_return fail(ec == beast::error::timeout ? Errc::timed_out : Errc::bad_handshake);
    beast::get_lowest_layer(stream).expires_never();
    std::unique_ptr<Transport> transport =
        std::make_unique<WebSocketTransport>(std::move(socket), std::move(name), std::move(digest));
    co_return std::move(transport);
  }

 private:
  const TlsContext context_;
  const std::chrono::milliseconds timeout_;
};

}  // namespace

std::shared_ptr<Dialer> make_websocket_dialer(TlsContext context, std::chrono::milliseconds timeout) {
  return std::make_shared<WebSocketDialer>(std::move(context), timeout);
}

}  // namespace spot
