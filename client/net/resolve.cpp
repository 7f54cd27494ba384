#include "client/net/resolve.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "client/net/dial_error.hpp"
#include "client/net/g_dns.hpp"

namespace spot {

using asio::ip::tcp;

asio::awaitable<Result<std::vector<tcp::endpoint>>> resolve(Host host) {
  std::vector<tcp::endpoint> endpoints;
  for (const auto& address : g_dns_addresses(host.name)) endpoints.emplace_back(address, host.port);
  if (!endpoints.empty()) co_return endpoints;

  boost::system::error_code ec;
  const auto literal = asio::ip::make_address(host.name, ec);
  if (!ec) {
    endpoints.emplace_back(literal, host.port);
    co_return endpoints;
  }
  tcp::resolver resolver{co_await asio::this_coro::executor};
  const std::string port = std::to_string(host.port);
  const auto [failed, found] = co_await resolver.async_resolve(host.name, port, tcp::resolver::numeric_service,
                                                               asio::as_tuple(asio::use_awaitable));
  if (failed) co_return dial_error(failed);
  for (const auto& entry : found) endpoints.push_back(entry.endpoint());
  if (endpoints.empty()) co_return make_error_code(DialError::unknown_name);
  co_return endpoints;
}

}  // namespace spot
