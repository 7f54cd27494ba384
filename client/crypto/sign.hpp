// Signatures as the Spot clients make them: ECDSA over SHA-256 (for all curves) in DER, Ed25519 over the message,
// RSA PKCS#1 v1.5 with SHA-256.
//
// Thread: any. Errors: unsupported_key for X25519, bad_signature.
#pragma once

#include "client/crypto/key.hpp"

namespace spot {

Result<Bytes> sign(const PrivateKey& key, BytesView message);
Result<void> verify(const PublicKey& key, BytesView message, BytesView signature);

}  // namespace spot
