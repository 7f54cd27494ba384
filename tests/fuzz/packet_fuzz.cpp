#include "client/proto/packet.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace spot::fuzz {

void decode(BytesView input) noexcept {
  if (const auto packet = decode_packet(input)) require(equal(encode_packet(packet->type, packet->body), input));
}

}  // namespace spot::fuzz
