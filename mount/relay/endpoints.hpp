// The endpoints of the relay itself, `@/…`: one row of a table for each.
//
// Thread: a handler runs on the strand of the session that asks. Errors: the text is what the client is told.
// Source: protocol.md, "System endpoints" and section 5.
#pragma once

#include "client/base/failure.hpp"
#include "mount/relay/services.hpp"

namespace spot::relay {

struct Query {
  std::shared_ptr<const Services> services;
  std::shared_ptr<Mailbox> mailbox;  // of the connection that asks
  Sha256 identity{};                 // of the one who asks
  Bytes body;                        // taken out of its bottle
  bool alone = false;                // the connection has nothing else under way, or on its way
};

struct Endpoint {
  std::string_view name;
  bool needs_body;  // false: the body is not looked at
  bool may_wait;    // true: others need not wait for it
  asio::awaitable<Answer<Bytes>> (*handle)(Query query);
};

const Endpoint* find_endpoint(std::string_view name) noexcept;

// The payload of a query: of a bottle that is signed in whatever way (who asks is known from the handshake), or the
// body itself where flag 4 says so. Errors: malformed.
Result<Bytes> payload_of(const Message& message);

// What a client is told for an error of the router or the database.
std::string_view error_text(std::error_code ec) noexcept;

}  // namespace spot::relay
