#include "client/connection_pool.hpp"

#include <algorithm>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "client/base/encoding.hpp"
#include "client/net/discovery.hpp"

namespace spot {
namespace {

std::uint64_t random_seed() {
  const auto bytes = random_array<8>();
  BytesView view{bytes};
  return *take_be<std::uint64_t>(view);
}

}  // namespace

ConnectionPool::ConnectionPool(asio::any_io_executor executor, std::shared_ptr<Identity> identity,
                               std::shared_ptr<DeadlineQueue> deadlines, Settings settings, Events events)
    : strand_{asio::make_strand(executor)},
      identity_{std::move(identity)},
      deadlines_{std::move(deadlines)},
      settings_{std::move(settings)},
      events_{std::move(events)},
      pause_{strand_} {}

void ConnectionPool::start() {
  watch_ = ClockWatch::make(strand_.get_inner_executor(), [weak = weak_from_this()] {
    if (const Self self = weak.lock()) self->check();
  });
  if (watch_) watch_->start();
  if (!settings_.hosts.empty()) {
    connect(settings_.hosts);
  } else {
    asio::co_spawn(strand_, find_hosts(shared_from_this()), asio::detached);
  }
}

void ConnectionPool::stop() {
  std::vector<ConnectionPointer> running;
  std::vector<std::shared_ptr<Waiter>> waiters;
  state_.with([&](State& state) {
    state.stopping = true;
    running = state.connections;
    waiters.swap(state.waiters);
  });
  if (watch_) watch_->stop();
  for (const auto& connection : running) connection->stop();
  for (const auto& waiter : waiters) waiter->give(fail(Errc::stopping));
  asio::post(strand_, [self = shared_from_this()] { self->pause_.cancel(); });
}

asio::awaitable<void> ConnectionPool::wait_ended(Self self) {
  constexpr std::chrono::seconds kLongest{3};
  const auto waiter = std::make_shared<Waiter>();
  const bool running = self->state_.with([&](State& state) {
    if (state.running > 0) state.end_waiters.push_back(waiter);
    return state.running > 0;
  });
  if (running) co_await Waiter::wait(waiter, self->deadlines_, std::chrono::steady_clock::now() + kLongest);
}

asio::awaitable<void> ConnectionPool::find_hosts(Self self) {
  Backoff backoff;
  for (;;) {
    if (self->state_.with([](const State& state) { return state.stopping; })) co_return;
    const auto found = co_await discover(self->settings_.tls, self->settings_.discovery_host,
                                         self->settings_.connection.handshake_timeout);
    if (found) {
      self->connect(choose_hosts(found->hosts, found->wanted, random_seed()));
      co_return;
    }
    self->log(LogLevel::warning, found.error().code.message() + ": " + printable(found.error().text));
    const auto pause = backoff.ended(self->settings_.connection.clock->steady(), 0.5).value_or(Backoff::kLongest);
    boost::system::error_code ec;
    self->pause_.expires_after(std::chrono::duration_cast<asio::steady_timer::duration>(pause));
    co_await self->pause_.async_wait(asio::redirect_error(asio::use_awaitable, ec));
  }
}

void ConnectionPool::connect(std::vector<std::string> hosts) {
  if (hosts.size() > kMaxHosts) hosts.resize(kMaxHosts);
  const std::weak_ptr<ConnectionPool> weak = weak_from_this();
  std::vector<ConnectionPointer> fresh;
  for (std::string& host : hosts) {
    Connection::Events events{[this, weak](ConnectionPointer connection, Message message) {
                                if (const Self self = weak.lock())
                                  events_.message(std::move(connection), std::move(message));
                              },
                              [this, weak](Connection& connection, SessionId session, bool online) {
                                if (const Self self = weak.lock()) changed(connection, session, online);
                              },
                              [this, weak](Connection& connection) {
                                if (const Self self = weak.lock()) ended(connection);
                              }};
    fresh.push_back(std::make_shared<Connection>(strand_.get_inner_executor(), std::move(host), settings_.dialer,
                                                 identity_, settings_.connection, std::move(events)));
  }
  const bool stopping = state_.with([&](State& state) {
    if (state.stopping) return true;
    state.connections.insert(state.connections.end(), fresh.begin(), fresh.end());
    state.running += fresh.size();
    return false;
  });
  if (stopping) return;
  for (const auto& connection : fresh) connection->start();
}

ConnectionPool::ConnectionPointer ConnectionPool::pick() const {
  return state_.with([](const State& state) { return pick(state); });
}

ConnectionPool::ConnectionPointer ConnectionPool::pick(const State& state) {
  ConnectionPointer best;
  std::size_t least = 0;
  for (const auto& connection : state.connections) {
    if (connection->session() == 0) continue;
    const std::size_t queued = connection->queued();
    if (best && queued >= least) continue;
    best = connection;
    least = queued;
  }
  return best;
}

std::vector<ConnectionPool::ConnectionPointer> ConnectionPool::all() const {
  return state_.with([](const State& state) { return state.connections; });
}

std::size_t ConnectionPool::online_count() const {
  return state_.with([](const State& state) { return state.online; });
}

asio::awaitable<Result<void>> ConnectionPool::wait_online(Self self, DeadlineQueue::TimePoint deadline) {
  const auto waiter = std::make_shared<Waiter>();
  const Result<bool> online = self->state_.with([&](State& state) -> Result<bool> {
    if (state.stopping) return {boost::system::in_place_error, make_error_code(Errc::stopping)};
    // A connection that was just lost is counted until changed() tells of it.
    const bool ready = pick(state) != nullptr;
    if (!ready) state.waiters.push_back(waiter);
    return ready;
  });
  if (!online) co_return online.error();
  if (*online) co_return Result<void>{};
  const auto result = co_await Waiter::wait(waiter, self->deadlines_, deadline);
  if (!result) {
    self->state_.with([&](State& state) { std::erase(state.waiters, waiter); });
    if (result.error() == Errc::timed_out) co_return fail(Errc::offline);
  }
  co_return result;
}

void ConnectionPool::reconnect() {
  for (const auto& connection : all()) connection->reconnect();
  asio::post(strand_, [self = shared_from_this()] { self->pause_.cancel(); });
}

void ConnectionPool::check() {
  log(LogLevel::debug, "the machine slept, or its clock was set: looks whether the connections are alive");
  for (const auto& connection : all()) connection->check();
  asio::post(strand_, [self = shared_from_this()] { self->pause_.cancel(); });
}

std::uint64_t ConnectionPool::on_online(std::function<void(bool)> event) {
  return state_.with([&](State& state) {
    state.events.emplace(++state.last_event, std::move(event));
    return state.last_event;
  });
}

void ConnectionPool::remove_event(std::uint64_t id) {
  state_.with([&](State& state) { state.events.erase(id); });
}

void ConnectionPool::changed(Connection&, SessionId session, bool online) {
  std::vector<std::shared_ptr<Waiter>> waiters;
  std::map<std::uint64_t, std::function<void(bool)>> events;
  state_.with([&](State& state) {
    state.online = online ? state.online + 1 : state.online - 1;
    const bool edge = state.online == (online ? 1 : 0);
    if (edge) events = state.events;
    if (online) waiters.swap(state.waiters);
  });
  if (!online) events_.lost(session);
  for (const auto& waiter : waiters) waiter->give({});
  for (const auto& [id, event] : events) event(online);
}

void ConnectionPool::ended(Connection& connection) {
  bool discover_again = false;
  std::vector<std::shared_ptr<Waiter>> waiters;
  if (connection.has_unsynced_stores) add_unsynced();
  state_.with([&](State& state) {
    --state.running;
    std::erase_if(state.connections, [&](const auto& held) { return held.get() == &connection; });
    if (state.running == 0) waiters.swap(state.end_waiters);
    discover_again = !state.stopping;
  });
  for (const auto& waiter : waiters) waiter->give({});
  if (!discover_again) return;
  // A host that was named stays the only choice; a discovered one is replaced.
  if (!settings_.hosts.empty()) {
    connect({connection.host()});
  } else if (online_count() == 0) {
    asio::co_spawn(strand_, find_hosts(shared_from_this()), asio::detached);
  }
}

void ConnectionPool::log(LogLevel level, std::string text) const {
  if (settings_.connection.log) settings_.connection.log(level, printable(settings_.discovery_host) + ": " + text);
}

}  // namespace spot
