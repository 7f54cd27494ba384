// OpenSSL's handles, for the files of this folder.
#pragma once

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

#include "client/base/handle.hpp"

namespace spot {

using PKey = Handle<EVP_PKEY, &EVP_PKEY_free>;
using PKeyContext = Handle<EVP_PKEY_CTX, &EVP_PKEY_CTX_free>;
using CipherContext = Handle<EVP_CIPHER_CTX, &EVP_CIPHER_CTX_free>;
using DigestContext = Handle<EVP_MD_CTX, &EVP_MD_CTX_free>;
using Bignum = Handle<BIGNUM, &BN_free>;

// Algorithms are looked up once: a look-up costs as much as hashing a kilobyte.
inline const EVP_MD* sha256_algorithm() noexcept {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return algorithm;
}
inline const EVP_CIPHER* aes_256_gcm() noexcept {
  static const EVP_CIPHER* const algorithm = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  return algorithm;
}

}  // namespace spot
