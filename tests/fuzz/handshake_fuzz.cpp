#include "client/bottle/id_card.hpp"
#include "client/proto/handshake.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace spot::fuzz {

void decode(BytesView input) noexcept {
  const auto request = decode_handshake(input);
  if (!request) return;
  require(request->ready || request->nonce.size() >= 8);
  // What is fit to be signed can't be read as anything else.
  require(!decode_bottle(input) && !IdCard::decode(input) && !decode_membership(input));
}

}  // namespace spot::fuzz
