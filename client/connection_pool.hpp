// All connections of a client: which hosts, which of them is used, and whether there is any.
//
// Thread: any. Lifetime: shared; start() to the end of close(). Events: on a connection's strand, without a lock.
#pragma once

#include <map>

#include "client/connection.hpp"
#include "client/net/clock_watch.hpp"
#include "client/net/tls.hpp"

namespace spot {

class ConnectionPool : public std::enable_shared_from_this<ConnectionPool> {
 public:
  using Waiter = OneShot<Result<void>>;
  using ConnectionPointer = std::shared_ptr<Connection>;
  struct Settings {
    std::vector<std::string> hosts;
    std::string discovery_host;  // used where `hosts` is empty and there is no dialer of the caller's
    std::shared_ptr<Dialer> dialer;
    TlsContext tls;  // for discovery
    Connection::Settings connection;
  };
  struct Events {
    std::function<void(ConnectionPointer, Message)> message;
    std::function<void(SessionId)> lost;  // all that was sent by this session and has no answer
  };

  ConnectionPool(asio::any_io_executor executor, std::shared_ptr<Identity> identity,
                 std::shared_ptr<DeadlineQueue> deadlines, Settings settings, Events events);

  void start();
  void stop();
  static asio::awaitable<void> wait_ended(std::shared_ptr<ConnectionPool> self);

  // Online, with the least to send. Null: none.
  ConnectionPointer pick() const;
  std::vector<ConnectionPointer> all() const;
  static asio::awaitable<Result<void>> wait_online(std::shared_ptr<ConnectionPool> self,
                                                   DeadlineQueue::TimePoint deadline);
  std::size_t online_count() const;
  void reconnect();
  void check();  // what is open may be dead, and what waits need not: after a suspend
  std::uint64_t on_online(std::function<void(bool)> event);
  void remove_event(std::uint64_t id);
  // Has a connection that is gone taken a store since the last time?
  bool take_unsynced() noexcept { return unsynced_.exchange(false); }
  void add_unsynced() noexcept { unsynced_ = true; }

 private:
  struct State {
    std::vector<ConnectionPointer> connections;
    std::size_t online = 0, running = 0;
    bool stopping = false;
    std::vector<std::shared_ptr<Waiter>> waiters, end_waiters;
    std::map<std::uint64_t, std::function<void(bool)>> events;
    std::uint64_t last_event = 0;
  };
  using Self = std::shared_ptr<ConnectionPool>;

  static ConnectionPointer pick(const State& state);
  static asio::awaitable<void> find_hosts(Self self);
  void connect(std::vector<std::string> hosts);
  void changed(Connection& connection, SessionId session, bool online);
  void ended(Connection& connection);
  void log(LogLevel level, std::string text) const;

  const asio::strand<asio::any_io_executor> strand_;
  const std::shared_ptr<Identity> identity_;
  const std::shared_ptr<DeadlineQueue> deadlines_;
  const Settings settings_;
  const Events events_;
  asio::steady_timer pause_;           // of discovery; on the strand
  std::shared_ptr<ClockWatch> watch_;  // set by start()
  Synchronized<State> state_;
  std::atomic<bool> unsynced_{false};
};

}  // namespace spot
