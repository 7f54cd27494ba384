#include "tests/fuzz/fuzz.hpp"
#include "tests/fuzz/relay_request.hpp"

namespace spot::fuzz {

// What a client answers to a relay's handshake: who passes has a card of its own that others can load.
void decode(BytesView input) noexcept {
  static const Bytes request = relay::encode(relay_request());
  const auto proven = relay::check_response(request, input, kNow);
  if (!proven) return require(!proven.error().text.empty());
  require(IdCard::load_for(proven->signed_card, proven->card.hash(), kNow).has_value());
  require(!relay::check_response(request, {}, kNow));
}

}  // namespace spot::fuzz
