// Public and private keys, parsed once and shared.
//
// Thread: immutable after they are made, any thread. Lifetime: values that share one OpenSSL key.
// Errors: bad_key for what is not one canonical key, unsupported_key for types that this build cannot use (ML-KEM and
// hybrids before OpenSSL 3.5). Source: protocol.md "Public keys" (RFC 5480, 8410, 8017).
#pragma once

#include <memory>
#include <string_view>

#include <openssl/types.h>

#include "client/base/bytes.hpp"
#include "client/base/result.hpp"
#include "client/crypto/hash.hpp"

namespace spot {

class ContextPool;

enum class KeyType { p256, p384, p521, ed25519, x25519, rsa };

std::string_view name_of(KeyType type) noexcept;  // "ecdsa" for the NIST curves' file names: see keystore

class PublicKey {
 public:
  // SubjectPublicKeyInfo, DER. All bytes are consumed, and the key is encoded in the one form that is allowed.
  static Result<PublicKey> parse(BytesView pkix);

  KeyType type() const noexcept;
  const Bytes& pkix() const noexcept;
  const Sha256& hash() const noexcept;  // SHA-256 of pkix(): the address of an identity
  bool can_sign() const noexcept;       // all but X25519
  bool can_decrypt() const noexcept;    // all of these types (Ed25519 through its X25519 form)
  EVP_PKEY* native() const noexcept;    // borrowed
  ContextPool& verifiers() const noexcept;

  bool operator==(const PublicKey& other) const noexcept;

 private:
  friend class PrivateKey;
  struct Data;
  explicit PublicKey(std::shared_ptr<const Data> data) : data_{std::move(data)} {}
  std::shared_ptr<const Data> data_;
};

class PrivateKey {
 public:
  static Result<PrivateKey> generate(KeyType type);  // RSA: 3072 bits
  // PKCS#8 or SEC 1, DER; unencrypted.
  static Result<PrivateKey> parse_der(BytesView der);
  // PEM "PRIVATE KEY", "EC PRIVATE KEY" or "RSA PRIVATE KEY", unencrypted.
  static Result<PrivateKey> parse_pem(BytesView pem);

  Result<SecretBytes> to_pem() const;  // PKCS#8
  KeyType type() const noexcept { return public_key().type(); }
  const PublicKey& public_key() const noexcept;
  EVP_PKEY* native() const noexcept;  // borrowed
  ContextPool& signers() const noexcept;

 private:
  struct Data;
  static Result<PrivateKey> adopt(EVP_PKEY* owned);
  explicit PrivateKey(std::shared_ptr<const Data> data) : data_{std::move(data)} {}
  std::shared_ptr<const Data> data_;
};

}  // namespace spot
