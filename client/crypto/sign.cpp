#include "client/crypto/sign.hpp"

#include <openssl/err.h>

#include "client/crypto/context_pool.hpp"

namespace spot {
namespace {

DigestContext fresh_context() { return DigestContext{EVP_MD_CTX_new()}; }

// Ed25519 hashes by itself, and OpenSSL 3.0 takes the whole message only in one call. All others sign a SHA-256.
bool signs_hash(KeyType type) noexcept { return type != KeyType::ed25519; }

PKeyContext set_up(EVP_PKEY* key, int (*initialise)(EVP_PKEY_CTX*)) {
  PKeyContext context{EVP_PKEY_CTX_new(key, nullptr)};
  if (!context || initialise(context.get()) != 1 ||
      EVP_PKEY_CTX_set_signature_md(context.get(), sha256_algorithm()) != 1)
    return nullptr;
  return context;
}

bool sign_hash(const PrivateKey& key, const Sha256& hash, Bytes& out, std::size_t& size) {
  PKeyContext context = key.signers().take();
  if (!context) context = set_up(key.native(), &EVP_PKEY_sign_init);
  if (!context || EVP_PKEY_sign(context.get(), out.data(), &size, hash.data(), hash.size()) != 1) return false;
  key.signers().give_back(std::move(context));
  return true;
}

bool sign_whole(const PrivateKey& key, BytesView message, Bytes& out, std::size_t& size) {
  const DigestContext context = fresh_context();
  return context &&
         EVP_DigestSignInit_ex(context.get(), nullptr, nullptr, nullptr, nullptr, key.native(), nullptr) == 1 &&
         EVP_DigestSign(context.get(), out.data(), &size, message.data(), message.size()) == 1;
}

Result<void> verify_hash(const PublicKey& key, const Sha256& hash, BytesView signature) {
  PKeyContext context = key.verifiers().take();
  if (!context) context = set_up(key.native(), &EVP_PKEY_verify_init);
  if (!context) return fail(Errc::crypto_failed);
  if (EVP_PKEY_verify(context.get(), signature.data(), signature.size(), hash.data(), hash.size()) != 1)
    return fail(Errc::bad_signature);
  key.verifiers().give_back(std::move(context));
  return {};
}

Result<void> verify_whole(const PublicKey& key, BytesView message, BytesView signature) {
  const DigestContext context = fresh_context();
  if (!context ||
      EVP_DigestVerifyInit_ex(context.get(), nullptr, nullptr, nullptr, nullptr, key.native(), nullptr) != 1)
    return fail(Errc::crypto_failed);
  if (EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(), message.size()) != 1)
    return fail(Errc::bad_signature);
  return {};
}

}  // namespace

Result<Bytes> sign(const PrivateKey& key, BytesView message) {
  if (!key.public_key().can_sign()) return fail(Errc::unsupported_key);
  Bytes out(static_cast<std::size_t>(EVP_PKEY_get_size(key.native())));
  std::size_t size = out.size();
  const bool done =
      signs_hash(key.type()) ? sign_hash(key, sha256(message), out, size) : sign_whole(key, message, out, size);
  if (!done) {
    ERR_clear_error();
    return fail(Errc::crypto_failed);
  }
  out.resize(size);
  return out;
}

Result<void> verify(const PublicKey& key, BytesView message, BytesView signature) {
  if (!key.can_sign()) return fail(Errc::unsupported_key);
  const Result<void> verified =
      signs_hash(key.type()) ? verify_hash(key, sha256(message), signature) : verify_whole(key, message, signature);
  if (!verified) ERR_clear_error();
  return verified;
}

}  // namespace spot
