// What goes out: queries with their answers, messages, and the cards that they need.
//
// Thread: any; coroutines run on their caller's executor. Lifetime: the client's, which its coroutines keep alive.
// Errors: as client.hpp says. A query is sent at most once.
#pragma once

#include "client/card_cache.hpp"
#include "client/connection_pool.hpp"
#include "client/envelope.hpp"
#include "client/query_table.hpp"

namespace spot {

// After these a query may be made again, if it changes nothing to make it twice.
bool may_repeat(std::error_code error) noexcept;

class Messenger {
 public:
  using Deadline = DeadlineQueue::TimePoint;
  using ConnectionPointer = ConnectionPool::ConnectionPointer;

  struct Parts {
    std::shared_ptr<Identity> identity;
    std::shared_ptr<ConnectionPool> pool;
    std::shared_ptr<DeadlineQueue> deadlines;
    CardCache& cards;
    QueryTable& queries;
    Envelopes& envelopes;
    const Clock& clock;
    std::chrono::milliseconds offline_grace;
    Log log;
  };
  explicit Messenger(Parts parts) : parts_{std::move(parts)} {}

  // `by`: null for any connection. The body is the caller's until it returns.
  asio::awaitable<Answer<Bytes>> query(std::string target, BytesView body, Deadline deadline,
                                       ConnectionPointer by = {});
  asio::awaitable<Answer<void>> send(std::string target, Bytes payload, std::string sender, Deadline deadline);
  // Null for our own hash.
  asio::awaitable<Answer<CardPointer>> find_card(Sha256 hash, Deadline deadline);
  // A connection that is online, waited for as long as offline_grace and the deadline allow.
  asio::awaitable<Answer<ConnectionPointer>> connection(Deadline deadline);

 private:
  asio::awaitable<Answer<Message>> exchange(ConnectionPointer by, Message question, Deadline deadline);
  Answer<Bytes> read_reply(const Address& from, const KnownCard* card, Message reply);
  Answer<Bytes> refuse(const Address& from, std::error_code why);

  const Parts parts_;
};

}  // namespace spot
