// The addresses of a host: those in its name, or what DNS says.
//
// Thread: any. Errors: those of the resolver, never without any address.
#pragma once

#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "client/net/host.hpp"

namespace spot {

namespace asio = boost::asio;

asio::awaitable<Result<std::vector<asio::ip::tcp::endpoint>>> resolve(Host host);

}  // namespace spot
