#include "mount/relay/endpoints.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace spot::fuzz {

// The body of a query to `@/…`.
void decode(BytesView input) noexcept {
  Message message;
  message.body = to_bytes(input);
  if (const auto payload = relay::payload_of(message)) require(payload->size() < input.size());
  message.flags = flag::not_bottle;
  require(relay::payload_of(message) == message.body);
}

}  // namespace spot::fuzz
