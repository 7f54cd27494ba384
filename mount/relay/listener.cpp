#include "mount/relay/listener.hpp"

#include <charconv>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/ssl.h>
#include <spdlog/spdlog.h>

#include "mount/relay/web.hpp"

namespace spot::relay {
namespace {

using asio::ip::tcp;

constexpr std::chrono::milliseconds kPauseAfterFailure{100};  // no more descriptors, most likely

std::string text_of(const tcp::endpoint& endpoint) {
  const auto host = endpoint.address().to_string();
  return fmt::format(fmt::runtime(endpoint.address().is_v6() ? "[{}]:{}" : "{}:{}"), host, endpoint.port());
}

// How many connections each address has: an IPv4 address, or the first 64 bits of an IPv6 one.
class Places : public std::enable_shared_from_this<Places> {
 public:
  explicit Places(std::size_t limit) : limit_{limit} {}

  // Null where the address has all that it may have.
  std::shared_ptr<void> take(const asio::ip::address& address) {
    const std::string name = group(address);
    const bool free = counts_.with([&](auto& counts) {
      auto& count = counts[name];
      if (count >= limit_) return false;
      ++count;
      return true;
    });
    if (!free) return nullptr;
    return {this, [self = shared_from_this(), name](void*) { self->give_back(name); }};
  }

 private:
  static std::string group(const asio::ip::address& address) {
    if (address.is_v4()) return address.to_string();
    const auto v6 = address.to_v6();
    if (v6.is_v4_mapped()) return asio::ip::make_address_v4(asio::ip::v4_mapped, v6).to_string();
    const auto bytes = v6.to_bytes();
    return {bytes.begin(), bytes.begin() + 8};
  }
  void give_back(const std::string& name) {
    counts_.with([&](auto& counts) {
      const auto entry = counts.find(name);
      if (--entry->second == 0) counts.erase(entry);
    });
  }

  const std::size_t limit_;
  Synchronized<std::map<std::string, std::size_t>> counts_;
};

class TcpListener final : public Listener, public std::enable_shared_from_this<TcpListener> {
 public:
  TcpListener(std::shared_ptr<Web> web, std::vector<asio::any_io_executor> executors, tcp::acceptor acceptor,
              tcp::endpoint endpoint)
      : web_{std::move(web)},
        executors_{std::move(executors)},
        acceptor_{std::move(acceptor)},
        endpoint_{std::move(endpoint)},
        places_{std::make_shared<Places>(web_->relay->options().limits.connections_per_address)} {}

  void start() { asio::co_spawn(acceptor_.get_executor(), accept(shared_from_this()), asio::detached); }
  std::string address() const override { return text_of(endpoint_); }
  void stop() override {
    asio::post(acceptor_.get_executor(), [self = shared_from_this()] {
      boost::system::error_code ignored;
      self->acceptor_.close(ignored);
    });
  }

 private:
  static asio::awaitable<void> accept(std::shared_ptr<TcpListener> self) {
    for (std::size_t turn = 0; self->acceptor_.is_open(); ++turn) {
      boost::system::error_code ec;
      tcp::socket socket{asio::make_strand(self->executors_[turn % self->executors_.size()])};
      co_await self->acceptor_.async_accept(socket, asio::redirect_error(asio::use_awaitable, ec));
      if (!self->acceptor_.is_open()) co_return;
      tcp::endpoint peer;
      if (!ec) peer = socket.remote_endpoint(ec);
      if (ec) {
        asio::steady_timer pause{self->acceptor_.get_executor(), kPauseAfterFailure};
        co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, ec));
        continue;
      }
      auto place = self->places_->take(peer.address());
      if (!place) {
        spdlog::debug("{}: refused: too many connections from this address", peer.address().to_string());
        continue;
      }
      const auto strand = socket.get_executor();
      std::string name = fmt::format("{}:{}", peer.address().to_string(), peer.port());
      asio::co_spawn(strand, serve_connection(self->web_, std::move(socket), std::move(name), std::move(place)),
                     asio::detached);
    }
  }

  const std::shared_ptr<Web> web_;
  const std::vector<asio::any_io_executor> executors_;  // not empty
  tcp::acceptor acceptor_;
  const tcp::endpoint endpoint_;
  const std::shared_ptr<Places> places_;
};

Failure bad_tls(const std::filesystem::path& file, const boost::system::error_code& ec) {
  return {Errc::bad_certificate, fmt::format("{}: {}", file.string(), ec.message())};
}

Answer<void> set_up_tls(asio::ssl::context& tls, const CertificateFiles& files) {
  boost::system::error_code ec;
  SSL_CTX_set_min_proto_version(tls.native_handle(), TLS1_2_VERSION);
  SSL_CTX_set_mode(tls.native_handle(), SSL_MODE_RELEASE_BUFFERS);  // an idle connection holds no buffers
  tls.use_certificate_chain_file(files.certificate.string(), ec);
  if (ec) return bad_tls(files.certificate, ec);
  tls.use_private_key_file(files.key.string(), asio::ssl::context::pem, ec);
  if (ec) return bad_tls(files.key, ec);
  if (SSL_CTX_check_private_key(tls.native_handle()) != 1)
    return Failure{Errc::bad_certificate,
                   fmt::format("{}: not the key of {}", files.key.string(), files.certificate.string())};
  return {};
}

// Names go into JSON as they are.
bool is_host(std::string_view name) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]";
  if (name.empty() || name.size() > 255 || name.find_first_not_of(kAllowed) != std::string_view::npos) return false;
  const std::size_t colon = name.ends_with(']') ? name.npos : name.rfind(':');
  if (colon == name.npos) return true;
  const auto place = split_host_port(std::string{name});
  return place && place->port != 0;
}

Answer<std::string> discovery_answer(const std::vector<std::string>& hosts) {
  for (const std::string& host : hosts)
    if (!is_host(host))
      return Failure{Errc::bad_argument, fmt::format("{}: not a host name, or one and a port from 1 to 65535", host)};
  // All of them are to be used: a client that finds one dead is online through the others.
  return fmt::format(R"({{"result":"success","data":{{"hosts":["{}"],"min_conn":{}}}}})", fmt::join(hosts, R"(",")"),
                     hosts.size());
}

}  // namespace

Answer<HostPort> split_host_port(const std::string& text) {
  const Failure bad{Errc::bad_argument, fmt::format("{}: not an address and a port, such as 127.0.0.1:8443", text)};
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) return bad;
  HostPort out{text.substr(0, colon), 0};
  const char* const end = text.data() + text.size();
  const auto [rest, ec] = std::from_chars(text.data() + colon + 1, end, out.port);
  if (ec != std::errc{} || rest != end || out.host.empty()) return bad;
  if (out.host.front() == '[' && out.host.back() == ']') out.host = out.host.substr(1, out.host.size() - 2);
  return out;
}

Answer<std::shared_ptr<Listener>> Listener::open(std::shared_ptr<Relay> relay, ListenOptions options) {
  const auto place = split_host_port(options.address);
  if (!place) return place.error();
  boost::system::error_code ec;
  const auto address = asio::ip::make_address(place->host, ec);
  if (ec) return Failure{Errc::bad_argument, fmt::format("{}: not an address of this machine", place->host)};

  const auto strand = asio::make_strand(relay->executor());
  tcp::endpoint endpoint{address, place->port};
  tcp::acceptor acceptor{strand};
  acceptor.open(endpoint.protocol(), ec);
  if (!ec) acceptor.set_option(tcp::acceptor::reuse_address{true}, ec);
  if (!ec) acceptor.bind(endpoint, ec);
  if (!ec) acceptor.listen(asio::socket_base::max_listen_connections, ec);
  if (ec) return Failure{ec, fmt::format("{}: {}", options.address, ec.message())};
  endpoint = acceptor.local_endpoint(ec);

  if (options.hosts.empty()) options.hosts.push_back(text_of(endpoint));
  auto discovery = discovery_answer(options.hosts);
  if (!discovery) return discovery.error();
  if (options.make_tls) {
    auto made = options.make_tls();
    if (!made) return made.error();
    options.tls = std::move(*made);
  }
  auto web = std::make_shared<Web>();
  if (auto done = set_up_tls(web->tls, options.tls); !done) return done.error();
  const auto digest = certificate_digest(options.tls.certificate);
  if (!digest) return digest.error();
  web->certificate = to_bytes(*digest);
  web->discovery = std::move(*discovery);
  if (options.executors.empty()) options.executors.push_back(relay->executor());
  web->relay = std::move(relay);
  auto listener =
      std::make_shared<TcpListener>(std::move(web), std::move(options.executors), std::move(acceptor), endpoint);
  listener->start();
  return std::shared_ptr<Listener>{std::move(listener)};
}

}  // namespace spot::relay
