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
      relief_{arrival_.strand, std::chrono::steady_clock::time_point::max()} {}

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
  request_ = encode(request);
  send(encode_packet(PacketType::handshake, request_));
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

// What the operator gave to this identity and its card does not have yet.
asio::awaitable<std::vector<Bytes>> Session::missing_memberships(const IdCard& card) const {
  std::vector<Bytes> missing;
  const auto given = co_await services_->database->given_to(card.hash());
  if (!given) co_return missing;
  for (const GroupEntry& entry : *given) {
    const auto held = std::ranges::find_if(
        card.groups(), [&](const Membership& membership) { return sha256(membership.group) == entry.group; });
    const bool has = held != card.groups().end();
    const bool news = entry.valid ? !has || held->issued < entry.issued : has;
    if (news && missing.size() < kMaxMembershipsPushed) missing.push_back(entry.encoded);
  }
  co_return missing;
}

asio::awaitable<bool> Session::shake_hands() {
  auto proven = co_await ask_who({});
  if (proven) {
    // Asked a second time, whoever does not take a membership stays without it.
    auto missing = co_await missing_memberships(proven->card);
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

// Those of a card that the group, or whoever signs for it by its card, has signed.
asio::awaitable<std::vector<GroupEntry>> Session::valid_memberships(const IdCard& card) const {
  std::vector<GroupEntry> valid;
  for (const Membership& membership : card.groups()) {
    std::optional<IdCard> group_card;
    if (membership.signing_key != membership.group) {
      const auto stored = co_await services_->database->find_card(sha256(membership.group));
      if (!stored) continue;
      auto loaded = IdCard::load_for(*stored, sha256(membership.group), services_->now());
      if (!loaded) continue;
      group_card = std::move(*loaded);
    }
    const IdCard* const signer = group_card ? &*group_card : nullptr;
    if (!verify_membership(membership, card.self(), signer, services_->now())) continue;
    Membership whole = membership;
    whole.subject = card.self();
    GroupEntry entry;
    entry.group = sha256(membership.group);
    entry.subject = card.hash();
    entry.valid = membership.status == "valid";
    entry.issued = membership.issued;
    entry.encoded = encode_membership(whole);
    valid.push_back(std::move(entry));
  }
  co_return valid;
}

asio::awaitable<Result<void>> Session::admit(Proven proven) {
  identity_ = proven.card.hash();
  target_ = identity_target(identity_);
  const auto& allow = services_->options.allow;
  if (!allow.empty() && std::ranges::find(allow, identity_) == allow.end()) {
    end(kPolicyViolation, "this identity is not allowed here: " + target_);
    co_return fail(Errc::refused);
  }

  CardEntry entry;
  entry.identity = identity_;
  entry.issued = proven.card.issued();
  entry.groups = co_await valid_memberships(proven.card);
  entry.card = proven.signed_card;
  const auto is_new = co_await services_->database->store_card(std::move(entry));
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
  co_return Result<void>{};
}

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
