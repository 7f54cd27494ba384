#include "client/bottle/bottle.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace spot::fuzz {

void decode(BytesView input) noexcept {
  const auto bottle = decode_json_bottle(as_text(input));
  if (!bottle) return;
  require(decode_bottle(encode_bottle(*bottle)).has_value());
  const auto json = encode_json_bottle(*bottle);
  require(json.has_value());
  const auto again = decode_json_bottle(*json);
  require(again.has_value() && encode_json_bottle(*again) == json);
}

}  // namespace spot::fuzz
