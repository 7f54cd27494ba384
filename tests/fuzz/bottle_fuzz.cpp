#include "client/bottle/open.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace spot::fuzz {

void decode(BytesView input) noexcept {
  const auto bottle = decode_bottle(input);
  if (!bottle) return;
  require(equal(encode_bottle(*bottle), input));
  static_cast<void>(encode_json_bottle(*bottle));
  static_cast<void>(open_bottle(input, nullptr));
}

}  // namespace spot::fuzz
