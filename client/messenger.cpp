#include "client/messenger.hpp"

#include "client/base/encoding.hpp"
#include "client/proto/error_text.hpp"

namespace spot {
namespace {

Failure not_signed(std::error_code why) {
  if (why != Errc::refused) return {why};
  return {
      why,
      "what begins with \"{\", or as a CBOR list or map does, is not signed for a relay: it could pass for a bottle"};
}

}  // namespace

bool may_repeat(std::error_code error) noexcept { return error == Errc::connection_lost || error == Errc::offline; }

asio::awaitable<Answer<Messenger::ConnectionPointer>> Messenger::connection(Deadline deadline) {
  ConnectionPointer ready = parts_.pool->pick();
  if (ready) co_return ready;
  const Deadline grace = std::chrono::steady_clock::now() + parts_.offline_grace;
  // One that came may be gone again before it is picked.
  while (!ready) {
    const auto online = co_await ConnectionPool::wait_online(parts_.pool, std::min(grace, deadline));
    if (!online) co_return Failure{online.error()};
    ready = parts_.pool->pick();
  }
  co_return ready;
}

asio::awaitable<Answer<Message>> Messenger::exchange(ConnectionPointer by, Message question, Deadline deadline) {
  const auto encoded = encode_message(question);
  if (!encoded) co_return Failure{encoded.error()};
  const SessionId session = by->session();
  const QueryTable::Ticket ticket{parts_.queries, question.id, session};
  const auto sent = by->send(session, encode_packet(PacketType::message, *encoded));
  // What was never sent has a known outcome.
  if (!sent) co_return Failure{sent.error() == Errc::connection_lost ? make_error_code(Errc::offline) : sent.error()};
  co_return co_await QueryTable::Reply::wait(ticket.reply(), parts_.deadlines, deadline);
}

asio::awaitable<Answer<Bytes>> Messenger::query(std::string target, BytesView body, Deadline deadline,
                                                ConnectionPointer by) {
  const auto parsed = Address::parse(target);
  if (!parsed) co_return Failure{Errc::bad_argument, "not an address: " + target};
  const Address to = *parsed;
  if (!by) {
    auto ready = co_await connection(deadline);
    if (!ready) co_return ready.error();
    by = std::move(*ready);
  }
  CardPointer card;
  if (to.kind == AddressKind::identity) {
    auto found = co_await find_card(to.hash, deadline);
    if (!found) co_return found.error();
    card = std::move(*found);
  }
  Message question;
  question.id = random_uuid();
  question.recipient = std::move(target);
  question.sender = "/" + to_text(question.id);
  if (to.kind == AddressKind::identity) {
    if (const auto sealed = parts_.envelopes.seal(question, card.get(), body); !sealed)
      co_return Failure{sealed.error()};
  } else {
    auto signed_body = parts_.envelopes.sign(to, body);
    if (!signed_body) co_return not_signed(signed_body.error());
    question.body = std::move(*signed_body);
  }
  auto reply = co_await exchange(std::move(by), std::move(question), deadline);
  if (!reply) co_return reply.error();
  co_return read_reply(to, card.get(), std::move(*reply));
}

Answer<Bytes> Messenger::read_reply(const Address& from, const KnownCard* card, Message reply) {
  const bool is_error = reply.has(flag::error);
  if (reply.has(flag::not_bottle)) {
    if (is_error) return failure_of_relay(as_text(reply.body));
    if (from.kind == AddressKind::identity) return refuse(from, make_error_code(Errc::not_sealed));
    return std::move(reply.body);
  }
  if (from.kind == AddressKind::identity) {
    auto sealed = parts_.envelopes.open(reply, card);
    if (!sealed) return refuse(from, sealed.error());
    if (is_error) return failure_of_peer(as_text(sealed->payload));
    return std::move(sealed->payload);
  }
  auto payload = Envelopes::open_unverified(reply);
  if (!payload) return refuse(from, payload.error());
  if (is_error) return failure_of_relay(as_text(*payload));
  return std::move(*payload);
}

// The card may be the reason: the next query fetches it anew.
Answer<Bytes> Messenger::refuse(const Address& from, std::error_code why) {
  if (from.kind == AddressKind::identity) parts_.cards.drop(from.hash);
  if (parts_.log)
    parts_.log(LogLevel::warning, "refused a reply from " + printable(from.target) + ": " + why.message());
  return Failure{why};
}

asio::awaitable<Answer<CardPointer>> Messenger::find_card(Sha256 hash, Deadline deadline) {
  if (hash == parts_.identity->hash()) co_return CardPointer{};
  const UnixSeconds now = unix_seconds(parts_.clock.wall());
  if (CardPointer known = parts_.cards.find(hash, now)) co_return known;
  const auto answer = co_await query("@/idcard_find", hash, deadline);
  if (!answer) co_return answer.error();
  auto card = parts_.cards.put(hash, *answer, now);
  if (!card) {
    if (parts_.log) {
      parts_.log(LogLevel::warning, "refused the ID card of " + identity_target(hash) + ": " + card.error().message());
    }
    co_return Failure{card.error()};
  }
  co_return std::move(*card);
}

asio::awaitable<Answer<void>> Messenger::send(std::string target, Bytes payload, std::string sender,
                                              Deadline deadline) {
  const auto parsed = Address::parse(target);
  if (!parsed) co_return Failure{Errc::bad_argument, "not an address: " + target};
  const Address to = *parsed;
  auto by = co_await connection(deadline);
  if (!by) co_return by.error();
  Message message;
  message.id = random_uuid();
  message.recipient = std::move(target);
  message.sender = std::move(sender);
  if (to.kind == AddressKind::identity) {
    const auto card = co_await find_card(to.hash, deadline);
    if (!card) co_return card.error();
    if (const auto sealed = parts_.envelopes.seal(message, card->get(), payload); !sealed)
      co_return Failure{sealed.error()};
  } else {
    auto body = parts_.envelopes.sign(to, payload);
    if (!body) co_return not_signed(body.error());
    message.body = std::move(*body);
  }
  const auto encoded = encode_message(message);
  if (!encoded) co_return Failure{encoded.error()};
  const auto sent = (*by)->send((*by)->session(), encode_packet(PacketType::message, *encoded));
  if (!sent) co_return Failure{sent.error() == Errc::connection_lost ? make_error_code(Errc::offline) : sent.error()};
  co_return Answer<void>{};
}

}  // namespace spot
