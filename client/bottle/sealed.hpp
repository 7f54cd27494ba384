// Sealed: the one shape of a message or blob that is trusted (protocol.md, "Sealed"): signed over encrypted over clear,
// and nothing else. Its inner header binds it to its context.
//
// Thread: any. Errors: not_sealed (another shape), bad_signature, wrong_signer, not_for_us, no_recipient.
#pragma once

#include "client/bottle/open.hpp"

namespace spot {

struct Sealed {
  Bytes payload;
  Header header;                   // the inner one
  std::vector<PublicKey> signers;  // 1 to 16, all verified
  Sha256 digest{};                 // of the encrypted level: the same under any signer, so it tells a replay
};

// `inner_header` is an encoded CBOR map (A0 for none).
Result<Bytes> seal(BytesView payload, BytesView inner_header, const std::vector<PublicKey>& recipients,
                   const PrivateKey& signer);

// Opens what one of `signers` must have signed. The signatures are verified before anything is decrypted.
Result<Sealed> open_sealed(BytesView encoded, const Keychain& keys, const std::vector<PublicKey>& signers);

}  // namespace spot
