#include "client/crypto/hash.hpp"

#include <cstdlib>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include "client/base/encoding.hpp"
#include "client/crypto/openssl.hpp"

namespace spot {
namespace {

using Mac = Handle<EVP_MAC, &EVP_MAC_free>;
using MacContext = Handle<EVP_MAC_CTX, &EVP_MAC_CTX_free>;

MacContext new_hmac() {
  static const Mac hmac{EVP_MAC_fetch(nullptr, "HMAC", nullptr)};
  MacContext context{hmac ? EVP_MAC_CTX_new(hmac.get()) : nullptr};
  char digest[] = "SHA256";
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                               OSSL_PARAM_construct_end()};
  if (!context || EVP_MAC_CTX_set_params(context.get(), params) != 1) std::abort();
  return context;
}

constexpr std::array<std::uint8_t, 32> kZeros{};

// The context keeps what is made of the last key: give it one that is no secret.
struct Forget {
  ~Forget() { EVP_MAC_init(context, kZeros.data(), kZeros.size(), nullptr); }
  EVP_MAC_CTX* context;
};

SecretBytes hmac_sha256(EVP_MAC_CTX* context, BytesView key, BytesView first, BytesView second = {}) {
  SecretBytes out(32);
  std::size_t size = out.size();
  if (EVP_MAC_init(context, key.data(), key.size(), nullptr) != 1 ||
      EVP_MAC_update(context, first.data(), first.size()) != 1 ||
      EVP_MAC_update(context, second.data(), second.size()) != 1 ||
      EVP_MAC_final(context, out.data(), &size, out.size()) != 1)
    std::abort();
  return out;
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
  // RFC 5869 by HMAC: OpenSSL's own HKDF sets up a context for each of its steps, and takes three times as long.
  thread_local const MacContext context = new_hmac();
  const Forget forget{context.get()};
  constexpr std::uint8_t kFirstBlock = 1;
  const SecretBytes pseudorandom_key = hmac_sha256(context.get(), salt.empty() ? BytesView{kZeros} : salt, secret);
  return hmac_sha256(context.get(), pseudorandom_key, view(info), {&kFirstBlock, 1});
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
