#include "client/crypto/key.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace spot::fuzz {
namespace {

void require_round_trip(const Result<PrivateKey>& key) {
  if (!key) return;
  const auto pem = key->to_pem();
  require(pem.has_value());
  const auto again = PrivateKey::parse_pem(*pem);
  require(again.has_value() && again->public_key() == key->public_key());
}

}  // namespace

// A key file: PEM, or the DER inside.
void decode(BytesView input) noexcept {
  require_round_trip(PrivateKey::parse_pem(input));
  require_round_trip(PrivateKey::parse_der(input));
}

}  // namespace spot::fuzz
