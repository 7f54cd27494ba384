#include "client/proto/binding.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace spot::fuzz {

// The inner header of a sealed message, and how it binds the message to its packet.
void decode(BytesView input) noexcept {
  const auto header = Header::parse(input);
  if (!header) return;
  Message packet;
  packet.recipient = "@/time";
  const Clock::Wall now{std::chrono::seconds{1'790'000'000}};
  const bool bound = check_binding(*header, packet, now, true).has_value();
  require(!bound || (is_message_header(*header) && check_binding(*header, packet, now, false)));
}

}  // namespace spot::fuzz
