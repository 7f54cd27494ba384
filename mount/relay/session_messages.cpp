// What a session does with the packets that its client sends once it is online.
#include <algorithm>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "client/base/encoding.hpp"
#include "mount/relay/session.hpp"

namespace spot::relay {
namespace {

constexpr std::uint64_t kOwnAnswer = flag::response | flag::not_bottle;
// The sender of refusals that come from no endpoint: nobody can answer them.
constexpr std::string_view kNobody = "noreply";

}  // namespace

asio::awaitable<void> Session::serve() {
  while (!ended_) {
    if (burdened()) co_await until_relieved();
    const auto received = co_await arrival_.transport->receive();
    if (!received && received.error() == Errc::too_large) end(kPolicyViolation, "a packet is too large");
    if (!received || ended_) co_return;
    const auto packet = decode_packet(*received);
    if (!packet) continue;
    switch (packet->type) {
      case PacketType::ping: send(*received); break;
      case PacketType::handshake: co_await take_new_card(packet->body); break;
      case PacketType::message: co_await take(packet->body); break;
    }
  }
}

asio::awaitable<void> Session::take(BytesView body) {
  auto decoded = decode_message(body);
  if (!decoded) {
    refuse_undecoded(body, decoded.error());
    co_return;
  }
  Message& message = *decoded;
  if (!rate_.take(services_->options.clock->steady())) co_return refuse(message, "rate exceeded");
  if (!message.sender.starts_with('/') || message.sender.size() + target_.size() > kMaxNameSize)
    co_return refuse(message, "bad sender");
  auto to = Address::parse(message.recipient);
  if (!to) co_return refuse(message, "bad recipient");
  if (to->kind != AddressKind::server) co_return co_await forward(std::move(message), std::move(*to));

  if (message.has(flag::response)) co_return;
  const Endpoint* endpoint = find_endpoint(to->endpoint);
  if (endpoint != nullptr && endpoint->may_wait) {
    ++in_flight_;
    asio::co_spawn(arrival_.strand, answer_later(shared_from_this(), endpoint, std::move(message)), asio::detached);
  } else {
    co_await answer(endpoint, std::move(message), std::move(to->endpoint));
  }
}

asio::awaitable<void> Session::forward(Message message, Address to) {
  if (!message.has(flag::response))
    recent_.with([&](RecentIds& recent) { recent.add(message.id, services_->options.clock->steady()); });
  Message question;
  question.id = message.id;
  question.flags = message.flags;
  question.sender = message.sender;
  message.sender = target_ + message.sender;
  const auto sent = co_await route(std::move(to), std::move(message));
  if (!sent) refuse(question, error_text(sent.error()));
}

asio::awaitable<Result<void>> Session::route(Address to, Message message) {
  switch (to.kind) {
    case AddressKind::identity: co_return co_await services_->router->to_identity(to.hash, std::move(message));
    case AddressKind::connection:
      co_return co_await services_->router->to_connection(std::move(to.target), std::move(message));
    case AddressKind::group: {
      auto members = co_await services_->database->members(to.hash);
      if (!members) co_return members.error();
      co_return co_await services_->router->to_any_of(std::move(*members), std::move(message));
    }
    case AddressKind::server: break;
  }
  co_return fail(Errc::malformed);
}

asio::awaitable<void> Session::answer_later(std::shared_ptr<Session> self, const Endpoint* endpoint, Message question) {
  co_await self->answer(endpoint, std::move(question), std::string{endpoint->name});
  --self->in_flight_;
  self->relieve();
}

asio::awaitable<void> Session::answer(const Endpoint* endpoint, Message question, std::string name) {
  if (endpoint == nullptr) {
    reply(question, name, Failure{Errc::no_such_endpoint, "no such endpoint"});
    co_return;
  }
  Query query;
  query.services = services_;
  query.mailbox = shared_from_this();
  query.identity = identity_;
  query.alone = in_flight_ == 1 && !arrival_.transport->has_more();
  if (endpoint->needs_body) {
    auto payload = payload_of(question);
    if (!payload) {
      reply(question, name, Failure{payload.error(), "bad request"});
      co_return;
    }
    query.body = std::move(*payload);
  }
  auto result = co_await endpoint->handle(std::move(query));
  reply(question, name, std::move(result));
}

void Session::reply(const Message& question, std::string_view endpoint, Answer<Bytes> result) {
  Message message;
  message.id = question.id;
  message.flags = kOwnAnswer;
  message.recipient = address_ + question.sender;
  message.sender = "@/";
  message.sender += endpoint;
  if (result) {
    message.body = std::move(*result);
  } else {
    message.flags |= flag::error;
    message.body = to_bytes(result.error().text);
  }
  if (const auto body = encode_message(message)) send(encode_packet(PacketType::message, *body));
}

void Session::refuse(const Message& question, std::string_view text) {
  if (question.has(flag::response)) return;
  // Where the sender is no endpoint, it is told under the name that a query has.
  Message addressed;
  addressed.id = question.id;
  addressed.sender = question.sender.starts_with('/') && question.sender.size() + address_.size() <= kMaxNameSize
                         ? question.sender
                         : "/" + to_text(question.id);
  reply(addressed, kNobody, Failure{Errc::refused, std::string{text}});
}

// Enough of it is read to tell its sender.
void Session::refuse_undecoded(BytesView body, std::error_code why) {
  Message question;
  if (body.size() < question.id.size()) return;
  std::copy_n(body.begin(), question.id.size(), question.id.begin());
  body = body.subspan(question.id.size());
  const auto flags = take_uvarint(body);
  if (!flags) return;
  question.flags = *flags;
  refuse(question, why == Errc::too_large ? "too large" : "bad message");
}

}  // namespace spot::relay
