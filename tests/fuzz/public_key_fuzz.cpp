#include "client/crypto/wrap.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace spot::fuzz {

void decode(BytesView input) noexcept {
  const auto key = PublicKey::parse(input);
  if (!key) return;
  require(equal(key->pkix(), input));
  static_cast<void>(wrap_key(*key, Bytes(32)));
}

}  // namespace spot::fuzz
