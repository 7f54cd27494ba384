// What comes in: replies go to the queries that wait for them, all else to the handlers of our endpoints.
//
// Thread: any. Handlers run on the client's executor, each message in a coroutine of its own; at most kMaxRunning at
// once, beyond that a sender is told to slow down. Lifetime: the client's, which running handlers keep alive.
#pragma once

#include <atomic>
#include <map>

#include "client/messenger.hpp"

namespace spot {

class Inbox {
 public:
  static constexpr std::size_t kMaxRunning = 1'024;
  using ConnectionPointer = ConnectionPool::ConnectionPointer;

  struct Parts {
    asio::any_io_executor executor;
    std::shared_ptr<const Identity> identity;
    CardCache& cards;
    QueryTable& queries;
    Envelopes& envelopes;
    Messenger& messenger;
    const Clock& clock;
    std::chrono::milliseconds timeout;  // of a sender's card
    Log log;
  };
  explicit Inbox(Parts parts) : parts_{std::move(parts)} {}

  void set_handler(std::string endpoint, Handler handler, HandlerOptions options);
  Result<void> set_taker(std::string endpoint, Taker taker, HandlerOptions options);
  bool has_handler(const std::string& endpoint) const;  // or taker

  // `owner` keeps this alive while a handler runs.
  void receive(std::shared_ptr<void> owner, ConnectionPointer by, Message message);

 private:
  class Received;
  struct Entry {
    Handler handler;
    Taker taker;  // of the two, one is there
    HandlerOptions options;
  };
  struct Opened {
    Bytes body;
    bool verified = false;
    CardPointer card;  // of the sender; null for ourselves, and where nothing is verified
  };

  asio::awaitable<void> handle(std::weak_ptr<void> owner, ConnectionPointer by, Message message, std::string endpoint);
  asio::awaitable<Result<Opened>> open(const Message& message, bool unverified);
  // The packet of an answer.
  Result<Bytes> make_answer(const Message& question, const Opened& opened, HandlerResult result) const;
  void reply(const ConnectionPointer& by, const Message& question, const Opened& opened, HandlerResult result);
  void refuse(const ConnectionPointer& by, const Message& question, std::string_view text);
  void log(LogLevel level, const Message& message, const std::string& text) const;

  const Parts parts_;
  std::atomic<std::size_t> running_{0};
  Synchronized<std::map<std::string, Entry>> handlers_;
};

}  // namespace spot
