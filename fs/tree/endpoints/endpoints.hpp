// endpoints/: queries as files.
//
//   echo -n hi > endpoints/k.<hash>/test/request; cat endpoints/k.<hash>/test/reply
//
// What is written to `request` between open and close is one query (outgoing.hpp says when it goes out). `reply` is a
// new file for each finished one, and `error` says in one line how the last one went; both belong to the user id that
// asked. `call` is a channel of its own for each open, `send` one message without a reply; they are not listed, so that
// a walk through the mount talks to nobody. `mkdir E/x` gives a request, reply and error of one's own.
//
// Thread: any. Lifetime: the nodes keep `query`, `send` and what they refer to.
// Errors: ENOENT for names that are no address; EPERM for the store's endpoints of `@` and for every change of names
// but slots; EACCES for reading `request`; those of the query (result.hpp) at close, and at the next open of `reply`.
// Memory: the last replies of at most 1,024 endpoints, 16 MiB in all; with queries under way and older replies that are
// still open 96 MiB (ENOBUFS beyond that).
// Source: filesystem.md, "Endpoints".
#pragma once

#include <functional>
#include <optional>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "client/base/clock.hpp"
#include "client/base/failure.hpp"
#include "fs/tree/access.hpp"
#include "fs/tree/node.hpp"
#include "fs/tree/outgoing/thread.hpp"
#include "fs/tree/query_timeouts.hpp"

namespace spotfs::tree {

// Client::query.
using Query = std::function<asio::awaitable<spot::Answer<Bytes>>(std::string target, Bytes body,
                                                                 std::chrono::milliseconds timeout)>;

// Client::send_to.
using SendTo = std::function<asio::awaitable<spot::Answer<void>>(std::string target, Bytes payload, std::string sender,
                                                                 std::chrono::milliseconds timeout)>;

struct EndpointsOptions {
  Query query;                     // required
  SendTo send;                     // required
  asio::any_io_executor executor;  // required; for queries that nobody waits for
  std::string self;                // required: k.<hash>, this identity
  Access access;                   // 0700 and 0600 of its user, whatever the mount allows to others
  std::optional<gid_t> peers;      // a group that may use the endpoints of `k.` addresses, too
  // Of queries and sends; `user.spot.timeout` on an endpoint's directory sets each user's own, in seconds.
  std::shared_ptr<QueryTimeouts> timeouts = std::make_shared<QueryTimeouts>();
  FindThread find_thread = tree::find_thread;
  const spot::Clock* clock = &spot::Clock::system();
};

NodePtr make_endpoints(EndpointsOptions options);

}  // namespace spotfs::tree
