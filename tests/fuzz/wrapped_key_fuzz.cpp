#include "client/crypto/wrap.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace spot::fuzz {

// A content key of a sender's making, for each way of wrapping.
void decode(BytesView input) noexcept {
  static const PrivateKey keys[] = {PrivateKey::generate(KeyType::p256).value(),
                                    PrivateKey::generate(KeyType::ed25519).value(),
                                    PrivateKey::generate(KeyType::rsa).value()};
  for (const PrivateKey& key : keys) require(!unwrap_key(key, input));
}

}  // namespace spot::fuzz
