#include "client/connection.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "client/base/encoding.hpp"
#include "client/net/batch.hpp"
#include "client/net/refusal.hpp"

namespace spot {
namespace {

constexpr std::size_t kMaxQueued = 64 << 20;  // bytes

SessionId next_session() {
  static std::atomic<SessionId> last{0};
  return ++last;
}

asio::awaitable<void> sleep(asio::steady_timer& timer, std::chrono::nanoseconds time) {
  boost::system::error_code ec;
  timer.expires_after(std::chrono::duration_cast<asio::steady_timer::duration>(time));
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ec));
}

// What ended a connection, in a sentence.
std::string ending_of(const Transport& link, std::error_code why) {
  const auto* const peer = dynamic_cast<const Refusable*>(&link);
  const std::string words = peer ? peer->refusal() : std::string{};
  if (!words.empty()) return "the relay refuses: " + printable(words);
  return why == Errc::connection_lost ? "the connection was lost" : why.message();
}

double random_chance() {
  const auto bytes = random_array<4>();
  BytesView view{bytes};
  return static_cast<double>(*take_be<std::uint32_t>(view)) / 4294967296.0;
}

}  // namespace

Connection::Connection(asio::any_io_executor executor, std::string host, std::shared_ptr<Dialer> dialer,
                       std::shared_ptr<Identity> identity, Settings settings, Events events)
    : strand_{asio::make_strand(executor)},
      host_{std::move(host)},
      dialer_{std::move(dialer)},
      identity_{std::move(identity)},
      settings_{std::move(settings)},
      events_{std::move(events)},
      pause_{strand_},
      ping_timer_{strand_} {
  status_.with([&](ConnectionStatus& status) {
    status.host = host_;
    status.since = settings_.clock->wall();
  });
}

void Connection::start() {
  asio::co_spawn(strand_, run(shared_from_this()),
                 asio::bind_cancellation_slot(cancel_.slot(),
                                              [self = shared_from_this()](std::exception_ptr) { self->finish(); }));
}

void Connection::finish() {
  stopping_ = true;
  if (const Link link = std::exchange(link_, nullptr)) link->close(1000, "stopping");
  go_offline(make_error_code(Errc::stopping).message());
  events_.ended(*this);
}

void Connection::stop() {
  asio::post(strand_, [self = shared_from_this()] {
    self->stopping_ = true;
    if (self->link_) self->link_->close(1000, "stopping");
    self->ping_timer_.cancel();
    self->cancel_.emit(asio::cancellation_type::terminal);
  });
}

void Connection::reconnect() {
  asio::post(strand_, [self = shared_from_this()] {
    self->hurry_ = true;
    self->backoff_.reset();
    if (self->link_) self->link_->close(1000, "reconnecting");
    self->pause_.cancel();
  });
}

void Connection::check() {
  asio::post(strand_, [self = shared_from_this()] {
    self->hurry_ = true;
    self->backoff_.reset();
    self->pause_.cancel();
    // A ping that is under way has its own deadline.
    if (self->pings_answered_ == self->pings_sent_) self->ping_timer_.cancel();
  });
}

SessionId Connection::session() const {
  return outbox_.with([](const Outbox& outbox) { return outbox.session; });
}

std::size_t Connection::queued() const {
  return outbox_.with([](const Outbox& outbox) { return outbox.size; });
}

ConnectionStatus Connection::status() const {
  return status_.with([](const ConnectionStatus& status) { return status; });
}

Result<void> Connection::send(SessionId session, Bytes packet) {
  enum class Put { lost, full, queued, first };
  const Put put = outbox_.with([&](Outbox& outbox) {
    if (session == 0 || outbox.session != session) return Put::lost;
    if (outbox.size + packet.size() > kMaxQueued) return Put::full;
    outbox.size += packet.size();
    outbox.packets.push_back(std::move(packet));
    return std::exchange(outbox.writing, true) ? Put::queued : Put::first;
  });
  if (put == Put::lost) return fail(Errc::connection_lost);
  if (put == Put::full) return fail(Errc::rate_exceeded);
  if (put == Put::first) {
    asio::defer(strand_, [self = shared_from_this(), session] {
      if (self->link_) asio::co_spawn(self->strand_, write(self, self->link_, session), asio::detached);
    });
  }
  return {};
}

asio::awaitable<void> Connection::run(Self self) {
  while (!self->stopping_) {
    co_await attempt(self);
    if (self->stopping_) break;
    const auto pause = self->backoff_.ended(self->settings_.clock->steady(), random_chance());
    if (std::exchange(self->hurry_, false)) continue;
    if (!pause) {
      self->log(LogLevel::warning, "given up after " + std::to_string(self->backoff_.failures()) + " failures");
      break;
    }
    co_await sleep(self->pause_, *pause);
    self->hurry_ = false;
  }
}

asio::awaitable<void> Connection::attempt(Self self) {
  auto dialled = co_await self->dialer_->dial(self->host_);
  if (!dialled) {
    self->go_offline(dialled.error().message());
    co_return;
  }
  const Link link{std::move(*dialled)};
  self->link_ = link;
  if (self->stopping_) link->close(1000, "stopping");

  // The handshake has a deadline of its own.
  asio::steady_timer deadline{self->strand_, self->settings_.handshake_timeout};
  deadline.async_wait([weak = std::weak_ptr{link}](boost::system::error_code ec) {
    const auto late = weak.lock();
    if (!ec && late) late->close(1002, "handshake timed out");
  });
  auto result = co_await shake_hands(self, link);
  const bool is_late = deadline.cancel() == 0;
  if (!result && is_late) result = fail(Errc::timed_out);
  if (result) {
    self->go_online();
    asio::co_spawn(self->strand_, keep_alive(self, link, self->session()), asio::detached);
    result = co_await serve(self, link);
  }
  const std::string why = ending_of(*link, result ? make_error_code(Errc::connection_lost) : result.error());
  link->close(1000, {});
  self->link_.reset();
  self->go_offline(why);
}

asio::awaitable<Result<void>> Connection::shake_hands(Self self, Link link) {
  for (;;) {
    const auto bytes = co_await link->receive();
    if (!bytes) co_return bytes.error();
    const auto packet = decode_packet(*bytes);
    if (!packet) co_return packet.error();
    if (packet->type != PacketType::handshake) continue;
    auto response = self->respond(link, packet->body);
    if (!response) co_return response.error();
    if (!*response) co_return Result<void>{};
    if (const auto sent = co_await link->send(std::move(**response)); !sent) co_return sent.error();
  }
}

Result<std::optional<Bytes>> Connection::respond(const Link& link, BytesView body) {
  using Response = std::optional<Bytes>;
  const auto request = decode_handshake(body);
  if (!request) return request.error();
  if (request->ready) return Response{};
  if (const auto admitted = handshakes_.admit(settings_.clock->steady()); !admitted) return admitted.error();
  // Another certificate than this connection's: someone passes our handshake on, to be us elsewhere.
  if (!request->certificate.empty() && !equal(request->certificate, link->certificate_digest())) {
    log(LogLevel::error, "the handshake is for a relay with another certificate: someone is in between");
    return fail(Errc::bad_handshake);
  }
  if (!request->memberships.empty()) {
    for (const std::string& refused : identity_->merge(request->memberships, settings_.clock->wall()))
      log(LogLevel::info, "did not take " + refused);
  }
  const auto response = answer_handshake(body, identity_->card()->encoded, identity_->keys().self());
  if (!response) return response.error();
  return Response{encode_packet(PacketType::handshake, *response)};
}

asio::awaitable<Result<void>> Connection::serve(Self self, Link link) {
  for (;;) {
    const auto bytes = co_await link->receive();
    if (!bytes) co_return bytes.error();
    const auto packet = decode_packet(*bytes);
    if (!packet) co_return packet.error();
    if (const auto handled = self->handle(link, *packet); !handled) co_return handled;
  }
}

Result<void> Connection::handle(const Link& link, Packet packet) {
  switch (packet.type) {
    case PacketType::ping: take_pong(packet.body); return {};
    case PacketType::message: {
      auto message = decode_message(packet.body);
      if (message) {
        events_.message(shared_from_this(), std::move(*message));
      } else {
        log(LogLevel::warning, "dropped a message: " + message.error().message());
      }
      return {};
    }
    case PacketType::handshake: {
      // A transport sends one packet at a time, so the answer takes its turn in the outbox.
      auto response = respond(link, packet.body);
      if (!response) return response.error();
      return *response ? send(session(), std::move(**response)) : Result<void>{};
    }
  }
  return fail(Errc::malformed);
}

asio::awaitable<void> Connection::write(Self self, Link link, SessionId session) {
  for (;;) {
    co_await let_others_add(self->strand_, [&] { return self->queued(); });
    std::vector<Bytes> packets = self->outbox_.with([&](Outbox& outbox) -> std::vector<Bytes> {
      if (outbox.session != session) return {};
      std::vector<Bytes> next = take_batch(outbox.packets);
      for (const Bytes& packet : next) outbox.size -= packet.size();
      outbox.writing = !next.empty();
      return next;
    });
    if (packets.empty()) co_return;
    const auto sent = co_await link->send_all(std::move(packets));
    if (!sent) {
      link->close(1006, {});
      co_return;
    }
  }
}

asio::awaitable<void> Connection::keep_alive(Self self, Link link, SessionId session) {
  self->pings_sent_ = self->pings_answered_ = 0;
  while (self->session() == session && !self->stopping_) {
    co_await sleep(self->ping_timer_, self->settings_.keepalive);
    if (self->session() != session || self->stopping_) co_return;
    Bytes body;
    append_be(body, ++self->pings_sent_);
    self->pinged_ = self->settings_.clock->steady();
    if (!self->send(session, encode_packet(PacketType::ping, body))) co_return;
    co_await sleep(self->ping_timer_, self->settings_.pong_timeout);
    if (self->session() != session || self->stopping_) co_return;
    if (self->pings_answered_ == self->pings_sent_) continue;
    self->log(LogLevel::warning, "no answer to a ping: the connection is dead");
    link->close(1006, "no pong");
    co_return;
  }
}

void Connection::take_pong(BytesView body) {
  const auto number = take_be<std::uint64_t>(body);
  if (!number || !body.empty() || *number != pings_sent_ || pings_answered_ == pings_sent_) return;
  pings_answered_ = *number;
  hurry_ = false;
  const auto round_trip = settings_.clock->steady() - pinged_;
  status_.with([&](ConnectionStatus& status) { status.round_trip = round_trip; });
  ping_timer_.cancel();
}

void Connection::go_online() {
  const SessionId session = next_session();
  outbox_.with([&](Outbox& outbox) { outbox.session = session; });
  backoff_.online(settings_.clock->steady());
  status_.with([&](ConnectionStatus& status) {
    status.online = true;
    status.since = settings_.clock->wall();
    status.last_error.clear();
  });
  log(LogLevel::info, "online");
  events_.changed(*this, session, true);
}

void Connection::go_offline(const std::string& why) {
  const SessionId ended = outbox_.with([](Outbox& outbox) { return std::exchange(outbox, Outbox{}).session; });
  ping_timer_.cancel();
  status_.with([&](ConnectionStatus& status) {
    if (status.online) {
      status.since = settings_.clock->wall();
      ++status.reconnects;
    }
    status.online = false;
    status.last_error = why;
  });
  if (!stopping_) log(LogLevel::warning, why);
  if (ended != 0) events_.changed(*this, ended, false);
}

void Connection::log(LogLevel level, std::string text) const {
  if (settings_.log) settings_.log(level, printable(host_) + ": " + text);
}

}  // namespace spot
