// AES-256-GCM as `nonce(12) ‖ ciphertext ‖ tag(16)`.
//
// Thread: any; contexts are kept for each thread. Errors: bad_signature where the tag does not fit, malformed where
// the text is too short.
#pragma once

#include "client/base/bytes.hpp"
#include "client/base/result.hpp"

namespace spot {

inline constexpr std::size_t kAeadKeySize = 32;
inline constexpr std::size_t kAeadNonceSize = 12;
inline constexpr std::size_t kAeadTagSize = 16;
inline constexpr std::size_t kAeadOverhead = kAeadNonceSize + kAeadTagSize;

// With a fresh random nonce.
Result<Bytes> aead_seal(BytesView key, BytesView plaintext, BytesView aad = {});
// The plaintext; for secrets, pass it on into SecretBytes with aead_open_secret.
Result<Bytes> aead_open(BytesView key, BytesView sealed, BytesView aad = {});
Result<SecretBytes> aead_open_secret(BytesView key, BytesView sealed, BytesView aad = {});

}  // namespace spot
