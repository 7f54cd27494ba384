#include "client/proto/address.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace spot::fuzz {

void decode(BytesView input) noexcept {
  const auto address = Address::parse(as_text(input));
  if (!address) return;
  require(as_text(input).starts_with(address->target));
  const auto again = Address::parse(address->canonical_target() + "/" + address->endpoint);
  // Without the server's name it can only be shorter, but a slash may be one byte too many.
  if (!again) return require(input.size() >= kMaxNameSize);
  require(again->kind == address->kind && again->hash == address->hash && again->endpoint == address->endpoint);
}

}  // namespace spot::fuzz
