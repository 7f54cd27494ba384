#include "client/crypto/sign.hpp"

#include <openssl/err.h>

#include "client/crypto/openssl.hpp"

namespace spot {
namespace {

// Ed25519 hashes by itself; all others sign a SHA-256.
const char* digest_of(KeyType type) noexcept { return type == KeyType::ed25519 ? nullptr : "SHA256"; }

DigestContext fresh_context() { return DigestContext{EVP_MD_CTX_new()}; }

}  // namespace

Result<Bytes> sign(const PrivateKey& key, BytesView message) {
  if (!key.public_key().can_sign()) return fail(Errc::unsupported_key);
  const DigestContext context = fresh_context();
  std::size_t size = 0;
  Bytes out(static_cast<std::size_t>(EVP_PKEY_get_size(key.native())));
  size = out.size();
  if (!context ||
      EVP_DigestSignInit_ex(context.get(), nullptr, digest_of(key.type()), nullptr, nullptr, key.native(), nullptr) !=
          1 ||
      EVP_DigestSign(context.get(), out.data(), &size, message.data(), message.size()) != 1) {
    ERR_clear_error();
    return fail(Errc::crypto_failed);
  }
  out.resize(size);
  return out;
}

Result<void> verify(const PublicKey& key, BytesView message, BytesView signature) {
  if (!key.can_sign()) return fail(Errc::unsupported_key);
  const DigestContext context = fresh_context();
  if (!context || EVP_DigestVerifyInit_ex(context.get(), nullptr, digest_of(key.type()), nullptr, nullptr, key.native(),
                                          nullptr) != 1) {
    ERR_clear_error();
    return fail(Errc::crypto_failed);
  }
  if (EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(), message.size()) != 1) {
    ERR_clear_error();
    return fail(Errc::bad_signature);
  }
  return {};
}

}  // namespace spot
