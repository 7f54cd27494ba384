// One host: dialled, asked for its handshake, kept alive, dialled again.
//
// Thread: start(), stop(), reconnect(), send() and the getters from any; everything else happens on the connection's
// strand. Events are called on it, without a lock. Lifetime: run by a coroutine that holds it until stop() or until it
// is given up; `ended` is the last event.
#pragma once

#include <atomic>
#include <deque>
#include <functional>

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>

#include "client/client.hpp"
#include "client/identity.hpp"
#include "client/proto/handshake.hpp"
#include "client/proto/link.hpp"
#include "client/query_table.hpp"

namespace spot {

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  struct Settings {
    std::chrono::milliseconds handshake_timeout, keepalive, pong_timeout;
    const Clock* clock;
    Log log;
  };
  struct Events {
    std::function<void(std::shared_ptr<Connection>, Message)> message;
    std::function<void(Connection&, SessionId, bool online)> changed;
    std::function<void(Connection&)> ended;  // stopped, or given up after too many failures
  };

  Connection(asio::any_io_executor executor, std::string host, std::shared_ptr<Dialer> dialer,
             std::shared_ptr<Identity> identity, Settings settings, Events events);

  void start();
  void stop();
  void reconnect();  // at once: what is open is closed, what waits is woken
  // After a suspend: what is open is asked at once whether it is alive, what waits is woken, and backs off anew.
  void check();

  // The present session; 0 while offline.
  SessionId session() const;
  // Queues a packet for that session. connection_lost: it has ended; rate_exceeded: too much is waiting.
  Result<void> send(SessionId session, Bytes packet);
  std::size_t queued() const;  // bytes
  ConnectionStatus status() const;
  const std::string& host() const noexcept { return host_; }

  // Set by a store, cleared by a sync.
  std::atomic<bool> has_unsynced_stores{false};

 private:
  struct Outbox {
    SessionId session = 0;
    std::deque<Bytes> packets;
    std::size_t size = 0;
    bool writing = false;
  };
  using Self = std::shared_ptr<Connection>;
  using Link = std::shared_ptr<Transport>;

  static asio::awaitable<void> run(Self self);
  static asio::awaitable<void> attempt(Self self);
  static asio::awaitable<Result<void>> shake_hands(Self self, Link link);
  static asio::awaitable<Result<void>> serve(Self self, Link link);
  static asio::awaitable<void> write(Self self, Link link, SessionId session);
  static asio::awaitable<void> keep_alive(Self self, Link link, SessionId session);

  Result<void> handle(const Link& link, Packet packet);
  Result<std::optional<Bytes>> respond(const Link& link, BytesView request);  // none: the handshake is over
  void finish();
  void take_pong(BytesView body);
  void go_online();
  void go_offline(const std::string& why);
  void log(LogLevel level, std::string text) const;

  const asio::strand<asio::any_io_executor> strand_;
  const std::string host_;
  const std::shared_ptr<Dialer> dialer_;
  const std::shared_ptr<Identity> identity_;
  const Settings settings_;
  const Events events_;

  // On the strand.
  Link link_;
  asio::cancellation_signal cancel_;
  HandshakeLimit handshakes_;
  Backoff backoff_;
  asio::steady_timer pause_, ping_timer_;
  bool stopping_ = false, hurry_ = false;
  std::uint64_t pings_sent_ = 0, pings_answered_ = 0;
  Clock::Steady pinged_{};

  Synchronized<Outbox> outbox_;
  Synchronized<ConnectionStatus> status_;
};

}  // namespace spot
