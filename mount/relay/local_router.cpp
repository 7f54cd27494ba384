#include "mount/relay/local_router.hpp"

#include <algorithm>

namespace spot::relay {
namespace {

Result<Bytes> packet_of(const Message& message) {
  const auto body = encode_message(message);
  if (!body) return body.error();
  return encode_packet(PacketType::message, *body);
}

}  // namespace

LocalRouter::LocalRouter(const Limits& limits) : limits_{limits} {
  state_.with([](State& state) { state.random.seed(std::random_device{}()); });
}

bool LocalRouter::enter(Sha256 identity, std::shared_ptr<Mailbox> mailbox) {
  return state_.with([&](State& state) {
    Mailboxes& connections = state.online[identity];
    if (connections.size() >= limits_.connections_per_identity) return false;
    connections.push_back(mailbox);
    state.places.emplace(mailbox->address(), Place{mailbox, identity, {}});
    return true;
  });
}

void LocalRouter::leave(const Mailbox& mailbox) {
  // Let go of outside the lock: it may be the last holder.
  const std::shared_ptr<Mailbox> gone = state_.with([&](State& state) -> std::shared_ptr<Mailbox> {
    const auto place = state.places.find(mailbox.address());
    if (place == state.places.end()) return nullptr;
    for (const Sha256& identity : place->second.subscriptions) {
      const auto listeners = state.subscribers.find(identity);
      listeners->second.erase(place->first);
      if (listeners->second.empty()) state.subscribers.erase(listeners);
    }
    const auto online = state.online.find(place->second.identity);
    std::erase(online->second, place->second.mailbox);
    if (online->second.empty()) state.online.erase(online);
    auto held = std::move(place->second.mailbox);
    state.places.erase(place);
    return held;
  });
}

// In random order.
LocalRouter::Mailboxes LocalRouter::connections_of(const Sha256& identity) {
  return state_.with([&](State& state) {
    const auto online = state.online.find(identity);
    if (online == state.online.end()) return Mailboxes{};
    Mailboxes found = online->second;
    std::ranges::shuffle(found, state.random);
    return found;
  });
}

Result<void> LocalRouter::deliver(const Mailboxes& candidates, const Message& message) {
  if (candidates.empty()) return fail(Errc::peer_offline);
  const auto packet = packet_of(message);
  if (!packet) return packet.error();
  bool full = false;
  for (const auto& mailbox : candidates) {
    const Mailbox::Offer offer = mailbox->offer(*packet);
    if (offer == Mailbox::Offer::taken) return {};
    full |= offer == Mailbox::Offer::full;
  }
  return fail(full ? Errc::rate_exceeded : Errc::peer_offline);
}

asio::awaitable<Result<void>> LocalRouter::to_identity(Sha256 identity, Message message) {
  Mailboxes candidates = connections_of(identity);
  if (message.has(flag::response)) {
    const auto others = std::partition(candidates.begin(), candidates.end(),
                                       [&](const auto& mailbox) { return mailbox->asked(message.id); });
    // None of them remembers: any may still wait for it.
    if (others != candidates.begin()) candidates.erase(others, candidates.end());
  }
  co_return deliver(candidates, message);
}

asio::awaitable<Result<void>> LocalRouter::to_any_of(std::vector<Sha256> identities, Message message) {
  const Mailboxes candidates = state_.with([&](State& state) {
    Mailboxes found;
    for (const Sha256& identity : identities)
      if (const auto online = state.online.find(identity); online != state.online.end())
        found.push_back(online->second[state.random() % online->second.size()]);
    std::ranges::shuffle(found, state.random);
    return found;
  });
  co_return deliver(candidates, message);
}

asio::awaitable<Result<void>> LocalRouter::to_connection(std::string address, Message message) {
  Mailboxes candidates;
  state_.with([&](State& state) {
    if (const auto place = state.places.find(address); place != state.places.end())
      candidates.push_back(place->second.mailbox);
  });
  co_return deliver(candidates, message);
}

void LocalRouter::subscribe(const Mailbox& mailbox, Sha256 identity) {
  state_.with([&](State& state) {
    const auto place = state.places.find(mailbox.address());
    if (place == state.places.end()) return;
    auto& held = place->second.subscriptions;
    std::erase(held, identity);
    held.push_back(identity);
    state.subscribers[identity].insert(place->first);
    if (held.size() <= limits_.subscriptions) return;
    const auto dropped = state.subscribers.find(held.front());
    dropped->second.erase(place->first);
    if (dropped->second.empty()) state.subscribers.erase(dropped);
    held.pop_front();
  });
}

asio::awaitable<void> LocalRouter::announce(Sha256 identity, Bytes card) {
  const Mailboxes listeners = state_.with([&](State& state) {
    Mailboxes found;
    if (const auto entry = state.subscribers.find(identity); entry != state.subscribers.end())
      for (const std::string& address : entry->second) found.push_back(state.places.find(address)->second.mailbox);
    return found;
  });
  Message message;
  message.flags = flag::not_bottle;
  message.sender = "@/idcard_update";
  message.body = std::move(card);
  for (const auto& listener : listeners) {
    message.id = random_uuid();
    message.recipient = listener->address() + "/idcard_update";
    // Whoever has no room for it asks again when a signature does not fit.
    if (const auto packet = packet_of(message)) listener->offer(*packet);
  }
  co_return;
}

asio::awaitable<void> LocalRouter::given_changed(Sha256 identity) {
  for (const auto& mailbox : connections_of(identity)) mailbox->given_changed();
  co_return;
}

}  // namespace spot::relay
