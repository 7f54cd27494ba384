// groups/: who is in a group.
//
//   <the group's public key, base64url>/k.<hash> -> ../../endpoints/k.<hash>
//
// A group is reached by name and not listed, as only its relay knows who is in it, and nothing that walks over the
// mount shall ask anyone: groups/ itself is always empty. Opening a group's directory asks, each time; looking a name
// up in it asks where nobody has within a second. A group that the relay knows nothing of is an empty directory.
//
// Thread: any. Lifetime: the nodes keep the client.
// Errors: ENOENT at once for what is no public key, or no `k.` address; those of a query, ETIMEDOUT after `timeout`.
// Memory: what a group's last answer named, at most 2,047 members.
// Source: filesystem.md.
#pragma once

#include "client/client.hpp"
#include "fs/tree/access.hpp"
#include "fs/tree/node.hpp"

namespace spotfs::tree {

// 0700 of the user who mounted: whoever looks asks in that name.
NodePtr make_groups(std::shared_ptr<spot::Client> client, Access access,
                    const spot::Clock& clock = spot::Clock::system());

}  // namespace spotfs::tree
