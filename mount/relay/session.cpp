#include "mount/relay/session.hpp"

#include <algorithm>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

#include "client/base/encoding.hpp"
#include "client/net/batch.hpp"
#include "mount/relay/memberships.hpp"

namespace spot::relay {
namespace {

constexpr std::size_t kMaxMembershipsPushed = 64;

}  // namespace

Session::Session(std::shared_ptr<const Services> services, Arrival arrival)
    : services_{std::move(services)},
      limits_{services_->options.limits},
      arrival_{std::move(arrival)},
      connection_{services_->options.name + "." + base64url(random_array<12>())},
      address_{"c." + connection_},
      rate_{limits_.messages_per_second, limits_.message_burst},
      recent_{limits_.remembered, limits_.remembered_for},
      watch_{arrival_.strand},
      relief_{arrival_.strand, std::chrono::steady_clock::time_point::max()},
      again_{arrival_.strand} {}

asio::awaitable<void> Session::run(std::shared_ptr<Session> self) {
  self->watch();
  const bool admitted = co_await self->shake_hands();  // g++ 12 lays out a wrong frame for it inside the condition
  if (admitted) {
    co_await self->serve();
    self->services_->router->leave(*self);
  }
  self->end(1000, {});
}

void Session::end(std::uint16_t code, std::string_view reason) {
  if (std::exchange(ended_, true)) return;
  if (code == kPolicyViolation)
    spdlog::warn("{}: refused: {}", printable(arrival_.transport->peer_name()), printable(reason));
  outbox_.close();
  watch_.cancel();
  relief_.cancel();
  again_.cancel();
  arrival_.transport->close(code, std::string{reason});
}

void Session::send_handshake(bool ready, std::vector<Bytes> memberships) {
  HandshakeRequest request;
  request.ready = ready;
  request.server = services_->options.name;
  request.connection = connection_;
  request.nonce = to_bytes(random_array<32>());
  request.memberships = std::move(memberships);
  request.certificate = arrival_.certificate;
  const Bytes encoded = encode(request);
  send(encode_packet(PacketType::handshake, encoded));
  request_ = ready ? Bytes{} : encoded;
}

// One request and its answer. Pings are answered, and messages that come too early are dropped.
asio::awaitable<Answer<Proven>> Session::ask_who(std::vector<Bytes> memberships) {
  send_handshake(false, std::move(memberships));
  for (;;) {
    const auto received = co_await arrival_.transport->receive();
    if (ended_) co_return Failure{Errc::connection_lost};
    if (received ? received->size() > limits_.handshake_packet : received.error() == Errc::too_large)
      co_return Failure{Errc::too_large, "a packet before the handshake is too large"};
    if (!received) co_return Failure{received.error()};
    const auto packet = decode_packet(*received);
    if (!packet) co_return Failure{packet.error(), "not a packet of the protocol"};
    if (packet->type == PacketType::handshake) co_return check_response(request_, packet->body, services_->now());
    if (packet->type == PacketType::ping) send(*received);
  }
}

// What the operator gave to this identity, its card does not have yet, and it was not offered before.
asio::awaitable<std::vector<Bytes>> Session::missing_memberships(Sha256 identity) {
  std::vector<Bytes> missing;
  const auto given = co_await services_->database->given_to(identity);
  if (!given) co_return missing;
  for (const GroupEntry& entry : *given) {
    const auto held = held_.find(entry.group);
    const bool has = held != held_.end();
    const bool news = entry.valid ? !has || held->second < entry.issued : has;
    if (!news || missing.size() >= kMaxMembershipsPushed) continue;
    const auto [offered, first] = offered_.emplace(entry.group, entry.issued);
    if (!first && offered->second >= entry.issued) continue;
    offered->second = entry.issued;
    missing.push_back(entry.encoded);
  }
  co_return missing;
}

asio::awaitable<bool> Session::shake_hands() {
  auto proven = co_await ask_who({});
  if (proven) {
    // Asked a second time, whoever does not take a membership stays without it.
    note_memberships(proven->card);
    auto missing = co_await missing_memberships(proven->card.hash());
    if (!missing.empty()) {
      const Sha256 first = proven->card.hash();
      proven = co_await ask_who(std::move(missing));
      if (proven && proven->card.hash() != first)
        proven = Failure{Errc::bad_handshake, "another identity in the middle of the handshake"};
    }
  }
  if (!proven) {
    // A connection that is lost has no text, and is nothing to tell of.
    if (!proven.error().text.empty()) end(kPolicyViolation, proven.error().text);
    co_return false;
  }
  const auto admitted = co_await admit(std::move(*proven));
  co_return admitted.has_value();
}

asio::awaitable<Result<void>> Session::admit(Proven proven) {
  identity_ = proven.card.hash();
  target_ = identity_target(identity_);
  const auto& allow = services_->options.allow;
  if (!allow.empty() && std::ranges::find(allow, identity_) == allow.end()) {
    end(kPolicyViolation, "this identity is not allowed here: " + target_);
    co_return fail(Errc::refused);
  }

  const auto is_new = co_await store_card(proven);
  if (!is_new) {
    end(1013, "the card could not be stored");
    co_return is_new.error();
  }
  if (ended_) co_return fail(Errc::connection_lost);
  if (!services_->router->enter(identity_, shared_from_this())) {
    end(kPolicyViolation, "too many connections of one identity: " + target_);
    co_return fail(Errc::refused);
  }
  ready_ = true;
  watch();  // from here on for a reader that stalls
  if (arrival_.authenticated) arrival_.authenticated();
  spdlog::debug("{}: {} is online", printable(arrival_.transport->peer_name()), target_);
  send_handshake(true, {});
  if (*is_new) co_await services_->router->announce(identity_, std::move(proven.signed_card));
  if (!services_->options.groups.empty()) given_changed();  // before the router knew of it
  co_return Result<void>{};
}

void Session::note_memberships(const IdCard& card) {
  held_.clear();
  for (const Membership& membership : card.groups()) held_.emplace(sha256(membership.group), membership.issued);
}

// True: the card is another one than before.
asio::awaitable<Result<bool>> Session::store_card(const Proven& proven) {
  note_memberships(proven.card);
  CardEntry entry;
  entry.identity = identity_;
  entry.issued = proven.card.issued();
  for (const Membership& membership : proven.card.groups()) {
    auto group = co_await verified_entry(*services_, membership, proven.card.self());
    if (group) entry.groups.push_back(std::move(*group));
  }
  entry.card = proven.signed_card;
  co_return co_await services_->database->store_card(std::move(entry));
}

// --- A new request while the client is online ------------------------------------------------------------------------

void Session::given_changed() {
  asio::post(arrival_.strand, [self = shared_from_this()] {
    if (self->ended_ || std::exchange(self->asks_again_, true)) return;
    asio::co_spawn(self->arrival_.strand, ask_again(self), asio::detached);
  });
}

asio::awaitable<void> Session::ask_again(std::shared_ptr<Session> self) {
  if (self->ended_) co_return;
  boost::system::error_code ended;
  self->again_.expires_at(self->asked_at_ + self->limits_.ask_again);
  co_await self->again_.async_wait(asio::redirect_error(asio::use_awaitable, ended));
  // What changes from here on is seen by another one.
  self->asks_again_ = false;
  // One that is not answered yet, or whose answer is being stored, leads here again.
  if (self->ended_ || !self->request_.empty()) co_return;
  auto missing = co_await self->missing_memberships(self->identity_);
  if (missing.empty() || self->ended_) co_return;
  self->asked_at_ = std::chrono::steady_clock::now();
  self->send_handshake(false, std::move(missing));
}

asio::awaitable<void> Session::take_new_card(BytesView response) {
  if (request_.empty()) co_return;  // nothing was asked
  auto proven = check_response(request_, response, services_->now());
  if (proven && proven->card.hash() != identity_)
    proven = Failure{Errc::bad_handshake, "another identity in the middle of a connection"};
  if (!proven) co_return end(kPolicyViolation, proven.error().text);
  const auto is_new = co_await store_card(*proven);
  if (ended_) co_return;
  if (!is_new) co_return end(1013, "the card could not be stored");
  send_handshake(true, {});
  if (*is_new) co_await services_->router->announce(identity_, std::move(proven->signed_card));
  given_changed();  // meanwhile, or more than one request has room for
}

// --- What is sent ----------------------------------------------------------------------------------------------------

Mailbox::Offer Session::offer(Bytes packet) {
  switch (outbox_.push(std::move(packet), limits_.outbox_full)) {
    case Outbox::Push::waits: return Offer::taken;
    case Outbox::Push::first:
      asio::co_spawn(arrival_.strand, drain(shared_from_this()), asio::detached);
      return Offer::taken;
    case Outbox::Push::full: return Offer::full;
    case Outbox::Push::closed: break;
  }
  return Offer::gone;
}

bool Session::asked(const Uuid& message) {
  return recent_.with([&](RecentIds& recent) { return recent.contains(message, services_->options.clock->steady()); });
}

// What is owed to the client itself, and bounded by what it may have under way.
void Session::send(Bytes packet) {
  if (outbox_.push(std::move(packet), Outbox::kNoLimit) == Outbox::Push::first)
    asio::co_spawn(arrival_.strand, drain(shared_from_this()), asio::detached);
}

asio::awaitable<void> Session::drain(std::shared_ptr<Session> self) {
  for (;;) {
    co_await let_others_add(self->arrival_.strand, [&] { return self->outbox_.waiting_bytes(); });
    std::vector<Bytes> packets = self->outbox_.next();
    if (packets.empty()) co_return;
    self->sending_since_ = std::chrono::steady_clock::now();
    const auto sent = co_await self->arrival_.transport->send_all(std::move(packets));
    self->sending_since_.reset();
    if (!sent) {
      // The reader sees the same, and ends the session.
      self->outbox_.close();
      self->arrival_.transport->close(1000, {});
    }
    self->relieve();
  }
}

bool Session::burdened() const {
  return in_flight_ >= limits_.in_flight || outbox_.waiting_bytes() > limits_.outbox_pause;
}

// Whoever asks faster than it reads the answers, or than the disk writes, is read more slowly.
asio::awaitable<void> Session::until_relieved() {
  while (burdened() && !ended_) {
    boost::system::error_code ignored;
    co_await relief_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
}

void Session::relieve() { relief_.cancel(); }

void Session::watch() {
  if (ready_) {
    watch_.expires_after(limits_.stalled / 2);
  } else {
    watch_.expires_at(arrival_.accepted + limits_.handshake);
  }
  watch_.async_wait([weak = weak_from_this()](boost::system::error_code ec) {
    const auto self = weak.lock();
    if (!ec && self) self->look();
  });
}

void Session::look() {
  if (ended_) return;
  const auto now = std::chrono::steady_clock::now();
  if (!ready_ && now >= arrival_.accepted + limits_.handshake) return end(kPolicyViolation, "no handshake in time");
  if (sending_since_ && now - *sending_since_ > limits_.stalled) return end(kPolicyViolation, "it reads too slowly");
  watch();
}

}  // namespace spot::relay
