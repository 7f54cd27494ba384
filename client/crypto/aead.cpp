#include "client/crypto/aead.hpp"

#include "client/crypto/hash.hpp"
#include "client/crypto/openssl.hpp"

namespace spot {
namespace {

EVP_CIPHER_CTX* context() noexcept {
  thread_local const CipherContext instance{EVP_CIPHER_CTX_new()};
  return instance.get();
}

// The context keeps the key schedule until it is used again: reset it, which wipes it.
struct Reset {
  ~Reset() { EVP_CIPHER_CTX_reset(context()); }
};

bool fits(BytesView bytes) noexcept { return bytes.size() <= 0x7FFFFFFF; }

template <class Out>
Result<Out> open_into(BytesView key, BytesView sealed, BytesView aad) {
  if (key.size() != kAeadKeySize || !fits(sealed) || !fits(aad)) return fail(Errc::bad_argument);
  if (sealed.size() < kAeadOverhead) return fail(Errc::malformed);
  const BytesView nonce = sealed.first(kAeadNonceSize);
  const BytesView tag = sealed.last(kAeadTagSize);
  const BytesView text = sealed.subspan(kAeadNonceSize, sealed.size() - kAeadOverhead);
  Out out(text.size());
  const Reset reset;
  int n = 0;
  EVP_CIPHER_CTX* const c = context();
  if (c == nullptr || EVP_DecryptInit_ex2(c, aes_256_gcm(), key.data(), nonce.data(), nullptr) != 1 ||
      (!aad.empty() && EVP_DecryptUpdate(c, nullptr, &n, aad.data(), static_cast<int>(aad.size())) != 1) ||
      EVP_DecryptUpdate(c, out.data(), &n, text.data(), static_cast<int>(text.size())) != 1 ||
      EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, kAeadTagSize, const_cast<std::uint8_t*>(tag.data())) != 1)
    return fail(Errc::crypto_failed);
  std::uint8_t rest[kAeadTagSize];
  if (EVP_DecryptFinal_ex(c, rest, &n) != 1) {
    wipe(out.data(), out.size());
    return fail(Errc::bad_signature);
  }
  return out;
}

}  // namespace

Result<Bytes> aead_seal(BytesView key, BytesView plaintext, BytesView aad) {
  if (key.size() != kAeadKeySize || !fits(plaintext) || !fits(aad)) return fail(Errc::bad_argument);
  Bytes out(plaintext.size() + kAeadOverhead);
  random_bytes({out.data(), kAeadNonceSize});
  std::uint8_t* const text = out.data() + kAeadNonceSize;
  std::uint8_t* const tag = text + plaintext.size();
  const Reset reset;
  int n = 0;
  EVP_CIPHER_CTX* const c = context();
  if (c == nullptr || EVP_EncryptInit_ex2(c, aes_256_gcm(), key.data(), out.data(), nullptr) != 1 ||
      (!aad.empty() && EVP_EncryptUpdate(c, nullptr, &n, aad.data(), static_cast<int>(aad.size())) != 1) ||
      EVP_EncryptUpdate(c, text, &n, plaintext.data(), static_cast<int>(plaintext.size())) != 1 ||
      EVP_EncryptFinal_ex(c, tag, &n) != 1 || EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, kAeadTagSize, tag) != 1)
    return fail(Errc::crypto_failed);
  return out;
}

Result<Bytes> aead_open(BytesView key, BytesView sealed, BytesView aad) { return open_into<Bytes>(key, sealed, aad); }

Result<SecretBytes> aead_open_secret(BytesView key, BytesView sealed, BytesView aad) {
  return open_into<SecretBytes>(key, sealed, aad);
}

}  // namespace spot
