// The queries that wait for an answer.
//
// An entry is there before its query is sent, as the answer may come at any time after that, and goes with its ticket.
//
// Thread: any. A reply counts once; one for a query that is not here is not for us.
#pragma once

#include <atomic>
#include <map>
#include <memory>

#include "client/base/failure.hpp"
#include "client/base/sync.hpp"
#include "client/net/one_shot.hpp"
#include "client/proto/packet.hpp"

namespace spot {

// One run of a connection, from its handshake to its end. 0: none.
using SessionId = std::uint64_t;

class QueryTable {
 public:
  using Reply = OneShot<Answer<Message>>;

  class Ticket {
   public:
    Ticket(QueryTable& table, const Uuid& id, SessionId session);
    ~Ticket();
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;
    const Reply::Pointer& reply() const noexcept { return reply_; }

   private:
    QueryTable& table_;
    const Uuid id_;
    const Reply::Pointer reply_ = std::make_shared<Reply>();
  };

  // False: nobody waits for it.
  bool deliver(Message reply);
  // Ends the waits of all queries that went out by this session, or of all (0).
  void fail(SessionId session, Errc error);
  std::size_t size() const;

 private:
  struct Entry {
    SessionId session;
    Reply::Pointer reply;
  };
  Synchronized<std::map<Uuid, Entry>> entries_;
};

}  // namespace spot
