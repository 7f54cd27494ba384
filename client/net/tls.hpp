// TLS to a host, with its certificate checked against its name.
//
// Thread: a context is shared by all connections, any thread; a stream is used on the strand that it was made on.
// Errors: bad_certificate (not trusted), wrong_host (trusted, but of another name), no_tls (something else answers),
// timed_out, those of dial_error.hpp (nobody is reached); storage errors for the file of roots. There is no way to do
// without the checks, and no plain text.
#pragma once

#include <filesystem>
#include <memory>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>

#include "client/base/bytes.hpp"
#include "client/net/host.hpp"

namespace spot {

namespace asio = boost::asio;
namespace beast = boost::beast;

using TlsContext = std::shared_ptr<asio::ssl::context>;
using TlsStream = beast::ssl_stream<beast::tcp_stream>;

// `ca_file`: PEM; empty: the system's roots.
Result<TlsContext> make_tls_context(const std::filesystem::path& ca_file);

// Connected, the handshake done, the host verified; the stream has no deadline of its own any more.
asio::awaitable<Result<std::unique_ptr<TlsStream>>> connect_tls(TlsContext context, Host host,
                                                                std::chrono::milliseconds timeout);

// SHA-256 of the peer's certificate (DER).
Bytes certificate_digest(TlsStream& stream);

}  // namespace spot
