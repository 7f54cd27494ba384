// endpoints/: queries as files.
//
//   echo -n hi > endpoints/k.<hash>/test/request; cat endpoints/k.<hash>/test/reply
//
// What is written to `request` between open and close is one query. `reply` is a new file for each finished one, and
// `error` says in one line how the last one went; both belong to the user id that asked. See request.hpp for when a
// query goes out.
//
// Thread: any. Lifetime: the nodes keep `query` and what it refers to.
// Errors: ENOENT for names that are no address; EPERM for the store's endpoints of `@` and for every change of names;
// EACCES for reading `request`; those of the query (result.hpp) at close, and at the next open of `reply`.
// Memory: the last replies of at most 1,024 endpoints, 16 MiB in all.
// Source: filesystem.md, "Endpoints".
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "client/base/clock.hpp"
#include "client/base/failure.hpp"
#include "fs/tree/access.hpp"
#include "fs/tree/node.hpp"

namespace spotfs::tree {

// Client::query.
using Query = std::function<asio::awaitable<spot::Answer<Bytes>>(std::string target, Bytes body,
                                                                 std::chrono::milliseconds timeout)>;
// The process of a thread; nullopt where that can't be had.
using ThreadGroup = std::function<std::optional<pid_t>(pid_t tid)>;

// From /proc/<tid>/status alone: anything else in /proc may wait for an exec that waits for the caller.
std::optional<pid_t> thread_group_of(pid_t tid);

struct EndpointsOptions {
  Query query;                                      // required
  std::string self;                                 // required: k.<hash>, this identity
  Access access;                                    // 0700 and 0600 of its user, whatever the mount allows to others
  std::optional<gid_t> peers;                       // a group that may use the endpoints of `k.` addresses, too
  std::chrono::milliseconds query_timeout{30'000};  // card look-up and query; `user.spot.timeout` on an endpoint's
                                                    // directory is another one, in seconds
  ThreadGroup thread_group = thread_group_of;
  const spot::Clock* clock = &spot::Clock::system();
};

NodePtr make_endpoints(EndpointsOptions options);

}  // namespace spotfs::tree
