#include "client/bottle/membership.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace spot::fuzz {

void decode(BytesView input) noexcept {
  const auto membership = decode_membership(input);
  if (!membership) return;
  const Bytes encoded = encode_membership(*membership);
  const auto again = decode_membership(encoded);
  require(again.has_value() && encode_membership(*again) == encoded);
  static_cast<void>(verify_membership(*membership, membership->subject, nullptr, 0));
}

}  // namespace spot::fuzz
