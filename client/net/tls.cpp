#include "client/net/tls.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "client/base/handle.hpp"
#include "client/crypto/hash.hpp"
#include "client/net/dial_error.hpp"
#include "client/net/resolve.hpp"

namespace spot {
namespace {

using asio::ip::tcp;
using Certificate = Handle<X509, &X509_free>;
constexpr auto use_tuple = asio::as_tuple(asio::use_awaitable);

// Tells OpenSSL whom the certificate must name; an address is checked as an address, and gets no SNI (RFC 6066).
Result<void> expect_host(SSL* ssl, const std::string& name) {
  boost::system::error_code ec;
  asio::ip::make_address(name, ec);
  X509_VERIFY_PARAM* const check = SSL_get0_param(ssl);
  X509_VERIFY_PARAM_set_hostflags(check, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  const auto set_sni = [&] {
    void* const text = const_cast<char*>(name.c_str());  // NOLINT: OpenSSL copies it
    return SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, text) == 1;
  };
  const bool done = ec ? X509_VERIFY_PARAM_set1_host(check, name.c_str(), name.size()) == 1 && set_sni()
                       : X509_VERIFY_PARAM_set1_ip_asc(check, name.c_str()) == 1;
  return done ? Result<void>{} : fail(Errc::crypto_failed);
}

std::error_code handshake_error(SSL* ssl, boost::system::error_code ec) {
  switch (SSL_get_verify_result(ssl)) {
    case X509_V_OK: break;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH: return make_error_code(Errc::wrong_host);
    default: return make_error_code(Errc::bad_certificate);
  }
  return ec.category() == asio::error::get_ssl_category() ? make_error_code(Errc::no_tls) : dial_error(ec);
}

}  // namespace

Result<TlsContext> make_tls_context(const std::filesystem::path& ca_file) {
  auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
  SSL_CTX* const native = context->native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  SSL_CTX_set_verify(native, SSL_VERIFY_PEER, nullptr);
  boost::system::error_code ec;
  if (ca_file.empty()) {
    context->set_default_verify_paths(ec);
  } else {
    context->load_verify_file(ca_file.string(), ec);
    if (ec) return fail(Errc::bad_certificate);
  }
  if (ec) return fail(Errc::crypto_failed);
  return context;
}

asio::awaitable<Result<std::unique_ptr<TlsStream>>> connect_tls(TlsContext context, Host host,
                                                                std::chrono::milliseconds timeout) {
  const auto endpoints = co_await resolve(host);
  if (!endpoints) co_return endpoints.error();
  auto stream = std::make_unique<TlsStream>(co_await asio::this_coro::executor, *context);
  if (const auto ready = expect_host(stream->native_handle(), host.name); !ready) co_return ready.error();

  beast::tcp_stream& tcp_stream = stream->next_layer();
  tcp_stream.expires_after(timeout);
  const auto [refused, endpoint] = co_await tcp_stream.async_connect(*endpoints, use_tuple);
  if (refused) co_return dial_error(refused);
  boost::system::error_code ignored;
  tcp_stream.socket().set_option(tcp::no_delay{true}, ignored);

  const auto [failed] = co_await stream->async_handshake(asio::ssl::stream_base::client, use_tuple);
  if (failed) co_return handshake_error(stream->native_handle(), failed);
  tcp_stream.expires_never();
  co_return std::move(stream);
}

Bytes certificate_digest(TlsStream& stream) {
  const Certificate certificate{SSL_get1_peer_certificate(stream.native_handle())};
  if (!certificate) return {};
  unsigned char* raw = nullptr;
  const int size = i2d_X509(certificate.get(), &raw);
  if (size <= 0) return {};
  const Sha256 digest = sha256({raw, static_cast<std::size_t>(size)});
  OPENSSL_free(raw);
  return to_bytes(digest);
}

}  // namespace spot
