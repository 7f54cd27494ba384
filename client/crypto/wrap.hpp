// A content key of 32 bytes, wrapped for the owner of a public key (protocol.md, "Key wrap").
//
// Thread: any. Errors: unsupported_key, malformed, bad_signature (another key's, or changed).
#pragma once

#include "client/crypto/key.hpp"

namespace spot {

Result<Bytes> wrap_key(const PublicKey& recipient, BytesView content_key);
Result<SecretBytes> unwrap_key(const PrivateKey& recipient, BytesView wrapped);

}  // namespace spot
