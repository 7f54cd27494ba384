// The relay's side of the handshake: what it asks, and whether the answer proves who is there.
//
// Thread: values. Errors: bad_handshake, bad_card, bad_key, bad_signature, malformed; the text says what was wrong, for
// the log. Source: protocol.md, sections 4 and 5.
#pragma once

#include "client/base/failure.hpp"
#include "client/bottle/id_card.hpp"

namespace spot::relay {

struct HandshakeRequest {
  bool ready = false;
  std::string server;      // srv
  std::string connection;  // cid, `<srv>.<conn>`
  Bytes nonce;
  std::vector<Bytes> memberships;  // encoded; none: null
  Bytes certificate;               // SHA-256 of ours, empty without TLS
};

Bytes encode(const HandshakeRequest& request);

struct Proven {
  IdCard card;
  Bytes signed_card;
};

// `request` is the body of the packet that was sent, `response` that of the one that came back.
Answer<Proven> check_response(BytesView request, BytesView response, UnixSeconds now);

}  // namespace spot::relay
