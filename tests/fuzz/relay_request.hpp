// The request that the seeds of the relay's handshake answer.
#pragma once

#include "mount/relay/handshake.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace spot::fuzz {

inline relay::HandshakeRequest relay_request() {
  relay::HandshakeRequest out;
  out.server = "relay";
  out.connection = "relay.1";
  out.nonce = Bytes(32, 7);
  return out;
}

}  // namespace spot::fuzz
