#include "client/proto/packet.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace spot::fuzz {

void decode(BytesView input) noexcept {
  const auto message = decode_message(input);
  if (!message) return;
  const auto encoded = encode_message(*message);
  require(encoded.has_value() && equal(*encoded, input));
}

}  // namespace spot::fuzz
