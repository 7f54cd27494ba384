#include "client/bottle/id_card.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace spot::fuzz {

void decode(BytesView input) noexcept {
  constexpr UnixSeconds now = kNow;
  static_cast<void>(IdCard::load(input, now));
  const auto card = IdCard::decode(input);
  if (!card) return;
  static_cast<void>(card->keys_for("sign", now));
  const Bytes encoded = card->encode();
  const auto again = IdCard::decode(encoded);
  require(again.has_value() && again->encode() == encoded && again->hash() == card->hash());
}

}  // namespace spot::fuzz
