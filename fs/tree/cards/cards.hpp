// cards/: ID cards of others, as the relay has them.
//
//   k.<hash>         the signed card, verified
//   k.<hash>.json    what it says, for people, as self/card.json
//
// Opening the card of someone who was not met since the mount asks the relay, and returns when the card is there; it
// is listed from then on. Listed are all cards that the client knows, from queries and messages too, and those are
// read without asking anyone: the relay tells when one of them changes. So whatever walks over the mount asks nothing.
// stat asks nothing either: a card that is not known yet has the size 0.
//
// Thread: any. Lifetime: the nodes keep the client.
// Errors: ENOENT at once for what is no `k.` address; EHOSTUNREACH where the relay has no such card; EBADMSG for one
// that is not what the address says, or older than was seen before; ENETDOWN, ETIMEDOUT after `timeout`, EINTR.
// Source: filesystem.md.
#pragma once

#include "client/client.hpp"
#include "fs/tree/access.hpp"
#include "fs/tree/node.hpp"

namespace spotfs::tree {

// 0700 and 0400 of the user who mounted: the listing says whom this identity talks to.
NodePtr make_cards(std::shared_ptr<spot::Client> client, Access access);

}  // namespace spotfs::tree
