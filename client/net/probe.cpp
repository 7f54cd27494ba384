#include "client/net/probe.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "client/net/dial_error.hpp"
#include "client/net/discovery.hpp"
#include "client/net/resolve.hpp"
#include "client/net/websocket.hpp"

namespace spot {
namespace {

using asio::ip::tcp;
using Step = Probe::Step;
constexpr auto use_tuple = asio::as_tuple(asio::use_awaitable);

// To any of them.
asio::awaitable<std::error_code> connect(std::vector<tcp::endpoint> endpoints, std::chrono::milliseconds timeout) {
  beast::tcp_stream stream{co_await asio::this_coro::executor};
  stream.expires_after(timeout);
  const auto [ec, endpoint] = co_await stream.async_connect(endpoints, use_tuple);
  co_return dial_error(ec);
}

asio::awaitable<Probe> probe_tls(TlsContext context, Host host, std::chrono::milliseconds timeout) {
  const auto found = co_await resolve(host);
  if (!found) co_return Probe{Step::name, found.error()};
  const std::error_code refused = co_await connect(*found, timeout);
  if (refused) co_return Probe{Step::tcp, refused};
  const auto stream = co_await connect_tls(context, host, timeout);
  if (!stream) co_return Probe{Step::tls, stream.error()};
  co_return Probe{};
}

}  // namespace

asio::awaitable<Answer<Probe>> probe_tls(std::filesystem::path ca_file, Host host, std::chrono::milliseconds timeout) {
  const auto context = make_tls_context(ca_file);
  if (!context) co_return Probe{Step::certificates, context.error()};
  const Probe probe = co_await probe_tls(*context, std::move(host), timeout);
  co_return probe;
}

asio::awaitable<Answer<Probe>> probe_relay(std::filesystem::path ca_file, Host host,
                                           std::chrono::milliseconds timeout) {
  const auto context = make_tls_context(ca_file);
  if (!context) co_return Probe{Step::certificates, context.error()};
  const std::string authority = host.authority();
  const Probe probe = co_await probe_tls(*context, std::move(host), timeout);
  if (probe.at != Step::done) co_return probe;
  const auto dialer = make_websocket_dialer(*context, timeout);
  const auto transport = co_await dialer->dial(authority);
  if (!transport) co_return Probe{Step::websocket, transport.error()};
  co_return Probe{};
}

asio::awaitable<Answer<std::vector<std::string>>> probe_discovery(std::filesystem::path ca_file, std::string host,
                                                                  std::chrono::milliseconds timeout) {
  const auto context = make_tls_context(ca_file);
  if (!context) co_return Failure{context.error()};
  const auto found = co_await discover(*context, std::move(host), timeout);
  if (!found) co_return found.error();
  co_return found->hosts;
}

}  // namespace spot
