// The client's side of the handshake: what a relay asks, what of it is fit to be signed, and the answer.
//
// The signature covers the request's bytes and no context, so a request that could be read as anything else (a card, a
// bottle) is refused before it is signed (protocol.md, "Sealed").
//
// Thread: values. Errors: bad_handshake; rate_exceeded.
#pragma once

#include <chrono>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "client/base/clock.hpp"
#include "client/crypto/key.hpp"

namespace spot {

struct HandshakeRequest {
  bool ready = false;  // ends the handshake; nothing is to be signed
  std::string server;
  std::string connection;
  Bytes nonce;
  std::vector<Bytes> memberships;  // encoded
  Bytes certificate;               // SHA-256 of the relay's, which must be that of the connection; empty: not said
};

// The body of a packet of type handshake. Only one definite map with text keys, no duplicates, tags or trailing bytes.
Result<HandshakeRequest> decode_handshake(BytesView body);

// The body of the answer: `request` is signed byte for byte.
Result<Bytes> answer_handshake(BytesView request, BytesView signed_card, const PrivateKey& key);

// Lets at most ten handshakes a minute through.
class HandshakeLimit {
 public:
  Result<void> admit(Clock::Steady now);

 private:
  std::deque<Clock::Steady> admitted_;
};

}  // namespace spot
