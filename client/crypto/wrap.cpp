#include "client/crypto/wrap.hpp"

#include <algorithm>

#include <openssl/err.h>
#include <openssl/rsa.h>

#include "client/base/encoding.hpp"
#include "client/crypto/aead.hpp"
#include "client/crypto/openssl.hpp"

namespace spot {
namespace {

constexpr std::size_t kContentKeySize = 32;
constexpr std::uint8_t kEcdh = 0;

struct ErrorQueue {
  ~ErrorQueue() { ERR_clear_error(); }
};

Bignum field_prime() {
  BIGNUM* p = nullptr;
  BN_hex2bn(&p, "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed");
  return Bignum{p};
}

// The birational map of RFC 7748, section 4.1: u = (1 + y) / (1 - y).
Result<PKey> montgomery_form(const PublicKey& ed25519) {
  ByteArray<32> raw;
  std::size_t size = raw.size();
  if (EVP_PKEY_get_raw_public_key(ed25519.native(), raw.data(), &size) != 1) return fail(Errc::bad_key);
  raw[31] &= 0x7F;
  std::ranges::reverse(raw);
  const Handle<BN_CTX, &BN_CTX_free> context{BN_CTX_new()};
  const Bignum p = field_prime(), y{BN_bin2bn(raw.data(), 32, nullptr)}, above{BN_new()}, below{BN_new()};
  if (!context || !p || !y || !above || !below) return fail(Errc::crypto_failed);
  if (BN_mod_add(above.get(), BN_value_one(), y.get(), p.get(), context.get()) != 1 ||
      BN_mod_sub(below.get(), BN_value_one(), y.get(), p.get(), context.get()) != 1 ||
      BN_mod_inverse(below.get(), below.get(), p.get(), context.get()) == nullptr ||
      BN_mod_mul(above.get(), above.get(), below.get(), p.get(), context.get()) != 1 ||
      BN_bn2lebinpad(above.get(), raw.data(), 32) != 32)
    return fail(Errc::bad_key);
  return PKey{EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nullptr, raw.data(), raw.size())};
}

// The clamped first half of SHA-512(seed) (RFC 8032, section 5.1.5); X25519 clamps by itself.
Result<PKey> montgomery_form(const PrivateKey& ed25519) {
  SecretBytes seed(32), digest(64);
  std::size_t size = seed.size();
  if (EVP_PKEY_get_raw_private_key(ed25519.native(), seed.data(), &size) != 1 ||
      EVP_Q_digest(nullptr, "SHA512", nullptr, seed.data(), seed.size(), digest.data(), nullptr) != 1)
    return fail(Errc::crypto_failed);
  return PKey{EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr, digest.data(), 32)};
}

// SHA-256 of the shared secret. An all-zero X25519 secret is refused by OpenSSL's derive.
Result<SecretBytes> key_of_secret(EVP_PKEY* ours, EVP_PKEY* theirs) {
  const PKeyContext context{EVP_PKEY_CTX_new_from_pkey(nullptr, ours, nullptr)};
  std::size_t size = 0;
  // The peer's point was checked when its key was parsed: validating it again would double the cost.
  if (!context || EVP_PKEY_derive_init(context.get()) != 1 ||
      EVP_PKEY_derive_set_peer_ex(context.get(), theirs, 0) != 1 || EVP_PKEY_derive(context.get(), nullptr, &size) != 1)
    return fail(Errc::bad_key);
  SecretBytes secret(size);
  if (EVP_PKEY_derive(context.get(), secret.data(), &size) != 1) return fail(Errc::bad_key);
  const Sha256 hash = sha256({secret.data(), size});
  return SecretBytes{hash.begin(), hash.end()};
}

Result<Bytes> wrap_with(EVP_PKEY* recipient, KeyType ephemeral_type, BytesView content_key) {
  const Result<PrivateKey> ephemeral = PrivateKey::generate(ephemeral_type);
  if (!ephemeral) return ephemeral.error();
  const Result<SecretBytes> key = key_of_secret(ephemeral->native(), recipient);
  if (!key) return key.error();
  const Result<Bytes> sealed = aead_seal(*key, content_key);
  if (!sealed) return sealed.error();
  const Bytes& public_part = ephemeral->public_key().pkix();
  Bytes out{kEcdh};
  append_uvarint(out, public_part.size());
  append(out, public_part);
  append(out, *sealed);
  return out;
}

Result<SecretBytes> unwrap_with(EVP_PKEY* recipient, KeyType ephemeral_type, BytesView wrapped) {
  if (wrapped.empty()) return fail(Errc::malformed);
  if (wrapped.front() != kEcdh) return fail(wrapped.front() <= 2 ? Errc::unsupported_key : Errc::malformed);
  wrapped = wrapped.subspan(1);
  const Result<std::uint64_t> size = take_uvarint(wrapped);
  if (!size || *size > wrapped.size()) return fail(Errc::malformed);
  const Result<PublicKey> ephemeral = PublicKey::parse(wrapped.first(*size));
  if (!ephemeral) return ephemeral.error();
  if (ephemeral->type() != ephemeral_type) return fail(Errc::bad_key);
  const Result<SecretBytes> key = key_of_secret(recipient, ephemeral->native());
  if (!key) return key.error();
  Result<SecretBytes> content_key = aead_open_secret(*key, wrapped.subspan(*size));
  if (content_key && content_key->size() != kContentKeySize) return fail(Errc::malformed);
  return content_key;
}

PKeyContext oaep_context(EVP_PKEY* key, int (*init)(EVP_PKEY_CTX*)) {
  PKeyContext context{EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr)};
  if (!context || init(context.get()) != 1 ||
      EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_OAEP_PADDING) != 1 ||
      EVP_PKEY_CTX_set_rsa_oaep_md(context.get(), sha256_algorithm()) != 1 ||
      EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), sha256_algorithm()) != 1)
    return nullptr;
  return context;
}

Result<Bytes> wrap_rsa(EVP_PKEY* key, BytesView content_key) {
  const PKeyContext context = oaep_context(key, &EVP_PKEY_encrypt_init);
  Bytes out(static_cast<std::size_t>(EVP_PKEY_get_size(key)));
  std::size_t size = out.size();
  if (!context || EVP_PKEY_encrypt(context.get(), out.data(), &size, content_key.data(), content_key.size()) != 1)
    return fail(Errc::crypto_failed);
  out.resize(size);
  return out;
}

Result<SecretBytes> unwrap_rsa(EVP_PKEY* key, BytesView wrapped) {
  const PKeyContext context = oaep_context(key, &EVP_PKEY_decrypt_init);
  SecretBytes out(static_cast<std::size_t>(EVP_PKEY_get_size(key)));
  std::size_t size = out.size();
  if (!context || EVP_PKEY_decrypt(context.get(), out.data(), &size, wrapped.data(), wrapped.size()) != 1)
    return fail(Errc::bad_signature);
  if (size != kContentKeySize) return fail(Errc::malformed);
  out.resize(size);
  return out;
}

}  // namespace

Result<Bytes> wrap_key(const PublicKey& recipient, BytesView content_key) {
  const ErrorQueue errors;
  if (content_key.size() != kContentKeySize) return fail(Errc::bad_argument);
  switch (recipient.type()) {
    case KeyType::p256:
    case KeyType::p384:
    case KeyType::p521:
    case KeyType::x25519: return wrap_with(recipient.native(), recipient.type(), content_key);
    case KeyType::rsa: return wrap_rsa(recipient.native(), content_key);
    case KeyType::ed25519: break;
  }
  const Result<PKey> form = montgomery_form(recipient);
  if (!form) return form.error();
  return wrap_with(form->get(), KeyType::x25519, content_key);
}

Result<SecretBytes> unwrap_key(const PrivateKey& recipient, BytesView wrapped) {
  const ErrorQueue errors;
  switch (recipient.type()) {
    case KeyType::p256:
    case KeyType::p384:
    case KeyType::p521:
    case KeyType::x25519: return unwrap_with(recipient.native(), recipient.type(), wrapped);
    case KeyType::rsa: return unwrap_rsa(recipient.native(), wrapped);
    case KeyType::ed25519: break;
  }
  const Result<PKey> form = montgomery_form(recipient);
  if (!form) return form.error();
  return unwrap_with(form->get(), KeyType::x25519, wrapped);
}

}  // namespace spot
