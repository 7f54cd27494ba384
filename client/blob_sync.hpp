// `@/blob_sync`: what the relays have taken of stores since the last time is on their disks.
//
// Thread: any; a coroutine runs on its caller's executor. Lifetime: of both, until it returns. Errors: those of a
// query.
#pragma once

#include <vector>

#include "client/connection_pool.hpp"
#include "client/messenger.hpp"

namespace spot {

// The run of each relay that took a store; of any one where none did. Empty for a relay that knows no blob_sync; one
// more run, which nobody has, where a relay can't be asked any more.
asio::awaitable<Answer<std::vector<Bytes>>> sync_blobs(Messenger& messenger, ConnectionPool& pool,
                                                       Messenger::Deadline limit);

}  // namespace spot
