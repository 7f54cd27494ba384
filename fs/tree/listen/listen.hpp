// listen/: endpoints that this mount serves.
//
//   mkdir listen/E; cd listen/E
//   while d=$(cat next); do tr a-z A-Z < "$d/body" > "$d/reply"; done
//
// Reading `next` waits for a message and gives its directory, `inbox/7`, then end of file; each open takes one. There,
// `from` is the sender and `body` the message; writing `reply` answers, writing `error` answers with that text as an
// error, `rmdir` declines, and each ends the message: its files are ESTALE from then on. So they are when nobody has
// answered in time, and the sender gets an error. A message is given out once. What is written to `to/k.<hash>/F` is
// one packet from `/E`.
//
// Only what is sealed for us and verified is taken, unless `user.spot.unverified` is 1 on the directory of the
// endpoint; `from` begins with "unverified" then, where that is so.
//
// Thread: any. Lifetime: the nodes keep the functions and what they refer to. When the root of the subtree goes, what
// waits is refused.
// Errors: EBUSY for an endpoint that the client serves itself; those of a connection: nothing was sent then, and the
// message can still be answered. EMSGSIZE for an answer that no message can hold, ESPIPE for one that is not written
// from start to end: that ends the message, its sender gets an error, and the log has a line, as a shell hears of
// neither.
// Memory: 1,024 messages for each endpoint, those given out included, 64 MiB in all. The sender of one more gets an
// error.
// Source: filesystem.md, "Listening".
#pragma once

#include <functional>
#include <string>

#include "client/client.hpp"
#include "fs/tree/access.hpp"
#include "fs/tree/node.hpp"
#include "fs/tree/notifier.hpp"
#include "fs/tree/outgoing/room.hpp"
#include "fs/tree/outgoing/thread.hpp"

namespace spotfs::tree {

struct ListenOptions {
  // Client::set_taker.
  std::function<Result<void>(std::string endpoint, spot::Taker taker, spot::HandlerOptions options)> serve;  // required
  // Client::send_to.
  std::function<asio::awaitable<spot::Answer<void>>(std::string target, Bytes payload, std::string sender)>
      send;                                   // required
  asio::any_io_executor executor;             // required; for time-outs, refusals and what nobody waits for
  std::string self;                           // required: k.<hash>, this identity
  Access access;                              // 0700 of its user, whatever the mount allows to others
  std::chrono::milliseconds timeout{60'000};  // from a message's arrival to its answer
  std::shared_ptr<KernelNotifier> notifier;   // may be null: the kernel learns late of what is gone
  std::shared_ptr<Room> sending;              // refusals take some of it until they are sent; null: nobody asks
  FindThread find_thread = tree::find_thread;
  std::function<void(const std::string&)> log;  // may be empty; a line for each answer that can't be sent
  std::function<bool(pid_t tid)> is_killed;     // whether that thread is known to be; none: nobody is
  const spot::Clock* clock = &spot::Clock::system();
};

NodePtr make_listen(ListenOptions options);

}  // namespace spotfs::tree
