// self/: this identity.
//
//   id           k.<hash> and a newline
//   card         the signed ID card as the relays have it
//   card.json    what it says, for people: keys in base64url, times in Unix seconds
//   public.pem   the public half of the self key
//
// Thread: any. Lifetime: keeps the client. Source: filesystem.md.
#pragma once

#include "client/client.hpp"
#include "fs/tree/access.hpp"
#include "fs/tree/node.hpp"

namespace spotfs::tree {

NodePtr make_self(std::shared_ptr<const spot::Client> client, Access access);

// The card as JSON, one line and a newline.
std::string card_json(const spot::IdCard& card);

}  // namespace spotfs::tree
