#include "client/crypto/hash.hpp"

#include <cstdlib>

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include "client/base/encoding.hpp"
#include "client/crypto/openssl.hpp"

namespace spot {
namespace {

using Kdf = Handle<EVP_KDF, &EVP_KDF_free>;
using KdfContext = Handle<EVP_KDF_CTX, &EVP_KDF_CTX_free>;

// OpenSSL takes what it only reads as non-const.
OSSL_PARAM octets(const char* name, BytesView bytes) noexcept {
  return OSSL_PARAM_construct_octet_string(name, const_cast<std::uint8_t*>(bytes.data()), bytes.size());
}

}  // namespace

Sha256 sha256(BytesView data) {
  Sha256 out;
  thread_local const DigestContext context{EVP_MD_CTX_new()};
  if (!context || EVP_DigestInit_ex(context.get(), sha256_algorithm(), nullptr) != 1 ||
      EVP_DigestUpdate(context.get(), data.data(), data.size()) != 1 ||
      EVP_DigestFinal_ex(context.get(), out.data(), nullptr) != 1)
    std::abort();
  return out;
}

SecretBytes hkdf_sha256(BytesView secret, BytesView salt, std::string_view info) {
  static const Kdf hkdf{EVP_KDF_fetch(nullptr, "HKDF", nullptr)};
  const KdfContext context{hkdf ? EVP_KDF_CTX_new(hkdf.get()) : nullptr};
  char digest[] = "SHA256";
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
                               octets(OSSL_KDF_PARAM_KEY, secret), octets(OSSL_KDF_PARAM_SALT, salt),
                               octets(OSSL_KDF_PARAM_INFO, view(info)), OSSL_PARAM_construct_end()};
  SecretBytes out(32);
  if (!context || EVP_KDF_derive(context.get(), out.data(), out.size(), params) != 1) std::abort();
  return out;
}

void random_bytes(std::span<std::uint8_t> out) {
  if (RAND_bytes(out.data(), static_cast<int>(out.size())) != 1) std::abort();
}

// One call to OpenSSL costs as much for sixteen of them as for one.
Uuid random_uuid() {
  thread_local std::array<Uuid, 16> ready;
  thread_local std::size_t left = 0;
  if (left == 0) {
    random_bytes({ready.front().data(), sizeof ready});
    left = ready.size();
  }
  Uuid uuid = ready.at(--left);
  uuid[6] = static_cast<std::uint8_t>((uuid[6] & 0x0F) | 0x40);
  uuid[8] = static_cast<std::uint8_t>((uuid[8] & 0x3F) | 0x80);
  return uuid;
}

std::string to_text(const Uuid& uuid) {
  std::string text = hex(uuid);
  for (const std::size_t at : {8U, 13U, 18U, 23U}) text.insert(at, 1, '-');
  return text;
}

}  // namespace spot
