// The general way to make and open bottles: for ID cards and for tools. What is trusted goes through sealed.hpp.
//
// Thread: any. Errors: malformed, bad_signature (one bad signature fails the whole), not_for_us, unsupported_key,
// no_recipient.
#pragma once

#include <vector>

#include "client/bottle/bottle.hpp"
#include "client/crypto/keychain.hpp"

namespace spot {

struct Opened {
  Bytes payload;
  std::vector<PublicKey> signers;  // of all levels, every one verified
  std::size_t decryptions = 0;
  std::vector<Bottle> levels;  // outermost first; messages of all but the innermost are left out
};

Result<Opened> open_bottle(BytesView encoded, const Keychain* keys);

// The plaintext of a level of format AES: an encoded bottle.
Result<Bytes> decrypt_message(const Bottle& bottle, const Keychain& keys);

// The steps that make a bottle; each takes and gives one level.
Bottle clear_bottle(BytesView payload);
Bottle bottle_up(const Bottle& inner);
Result<Bottle> encrypt(const Bottle& inner, const std::vector<PublicKey>& recipients);
Result<Bottle> sign(Bottle bottle, const PrivateKey& key);

}  // namespace spot
