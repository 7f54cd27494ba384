#include "client/client.hpp"

#include <algorithm>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "client/base/encoding.hpp"
#include "client/blob_sync.hpp"
#include "client/inbox.hpp"
#include "client/net/websocket.hpp"
#include "client/packet_queue.hpp"
#include "client/proto/binding.hpp"

namespace spot {
namespace {

constexpr std::size_t kPingEcho = 128;  // bytes of a ping that come back
using Deadline = Messenger::Deadline;

// A handler that answers at once.
template <class F>
Handler answering(F make) {
  return [make](Incoming incoming) -> asio::awaitable<HandlerResult> {
    HandlerResult result = make(std::move(incoming));
    co_return result;
  };
}

class SpotClient final : public Client {
 public:
  SpotClient(asio::any_io_executor executor, ClientOptions options, std::shared_ptr<Identity> identity, CardAges ages,
             TlsContext tls)
      : executor_{executor},
        options_{std::move(options)},
        identity_{std::move(identity)},
        deadlines_{std::make_shared<DeadlineQueue>(executor)},
        cards_{std::move(ages)},
        envelopes_{identity_, *options_.clock, options_.require_binding},
        tls_{std::move(tls)} {}

  // The events hold the client weakly, so this is not for the constructor.
  void connect_parts();

  void start() override { pool_->start(); }
  asio::awaitable<void> close() override;
  asio::awaitable<Result<void>> wait_online(std::chrono::milliseconds timeout) override {
    return ConnectionPool::wait_online(pool_, std::chrono::steady_clock::now() + timeout);
  }
  std::size_t connection_count() const override { return pool_->online_count(); }
  std::vector<ConnectionStatus> connections() const override {
    std::vector<ConnectionStatus> all;
    for (const auto& connection : pool_->all()) all.push_back(connection->status());
    return all;
  }
  void reconnect() override { pool_->reconnect(); }
  std::uint64_t on_online(std::function<void(bool)> event) override { return pool_->on_online(std::move(event)); }
  void remove_event(std::uint64_t id) override { pool_->remove_event(id); }

  std::string target_id() const override { return identity_->address(); }
  IdCard id_card() const override { return identity_->card()->card; }
  Bytes id_card_bin() const override { return identity_->card()->encoded; }
  const Keychain& keys() const override { return identity_->keys(); }

  asio::awaitable<Answer<Bytes>> query(std::string target, Bytes body, Timeout timeout) override;
  std::size_t queries_in_flight() const override { return queries_.size(); }
  asio::awaitable<Answer<void>> send_to(std::string target, Bytes payload, std::string sender,
                                        Timeout timeout) override;
  void set_handler(std::string endpoint, Handler handler, HandlerOptions options) override {
    inbox_->set_handler(std::move(endpoint), std::move(handler), options);
  }
  Result<void> set_taker(std::string endpoint, Taker taker, HandlerOptions options) override {
    return inbox_->set_taker(std::move(endpoint), std::move(taker), options);
  }
  Result<std::shared_ptr<PacketConnection>> listen_packet(std::string endpoint) override;

  asio::awaitable<Answer<void>> store_blob(std::string key, Bytes value, Bytes inner_header) override;
  asio::awaitable<Answer<Sealed>> fetch_blob(std::string key) override;
  asio::awaitable<Answer<void>> store_bottle(std::string key, Bytes bottle) override;
  asio::awaitable<Answer<Bytes>> fetch_bottle(std::string key) override;
  asio::awaitable<Answer<void>> delete_blob(std::string key) override;
  asio::awaitable<Answer<std::vector<Bytes>>> sync_blobs() override;

  asio::awaitable<Answer<Clock::Wall>> get_time() override;
  asio::awaitable<Answer<IdCard>> get_id_card(Sha256 hash) override;
  asio::awaitable<Answer<Bytes>> get_id_card_bin(Sha256 hash) override;
  asio::awaitable<Answer<IdCard>> get_id_card_for_recipient(std::string address) override;
  asio::awaitable<Answer<std::vector<Sha256>>> get_group_members(Bytes group_key) override;
  std::vector<Sha256> known_cards() const override;
  std::optional<SignedCard> known_card(const Sha256& hash) const override;
  void forget_card(const Sha256& hash) override { cards_.drop(hash); }

 private:
  std::shared_ptr<SpotClient> self() { return std::static_pointer_cast<SpotClient>(shared_from_this()); }
  Deadline deadline(Timeout timeout = {}) const {
    return std::chrono::steady_clock::now() + timeout.value_or(options_.query_timeout);
  }
  asio::awaitable<Answer<Bytes>> repeat(std::string target, Bytes body, bool stores);
  asio::awaitable<Answer<CardPointer>> find_card(Sha256 hash);
  static asio::awaitable<void> learn_time(std::shared_ptr<SpotClient> self);
  void add_handlers();

  const asio::any_io_executor executor_;
  const ClientOptions options_;
  const std::shared_ptr<Identity> identity_;
  const std::shared_ptr<DeadlineQueue> deadlines_;
  CardCache cards_;
  QueryTable queries_;
  Envelopes envelopes_;
  const TlsContext tls_;
  std::shared_ptr<ConnectionPool> pool_;
  std::optional<Messenger> messenger_;
  std::optional<Inbox> inbox_;
  Synchronized<std::vector<std::weak_ptr<PacketQueue>>> packet_queues_;
};

void SpotClient::connect_parts() {
  const std::weak_ptr<SpotClient> weak = self();
  const Connection::Settings connection{options_.handshake_timeout, options_.keepalive, options_.pong_timeout,
                                        options_.clock, options_.log};
  auto dialer = options_.dialer ? options_.dialer : make_websocket_dialer(tls_, options_.handshake_timeout);
  ConnectionPool::Settings settings{options_.hosts, options_.discovery_host, std::move(dialer), tls_, connection};
  ConnectionPool::Events events{[weak](ConnectionPool::ConnectionPointer by, Message message) {
                                  const auto client = weak.lock();
                                  if (client) client->inbox_->receive(client, std::move(by), std::move(message));
                                },
                                [weak](SessionId session) {
                                  if (const auto client = weak.lock())
                                    client->queries_.fail(session, Errc::connection_lost);
                                }};
  pool_ = std::make_shared<ConnectionPool>(executor_, identity_, deadlines_, std::move(settings), std::move(events));
  messenger_.emplace(Messenger::Parts{identity_, pool_, deadlines_, cards_, queries_, envelopes_, *options_.clock,
                                      options_.offline_grace, options_.log});
  inbox_.emplace(Inbox::Parts{executor_, identity_, cards_, queries_, envelopes_, *messenger_, *options_.clock,
                              options_.query_timeout, options_.log});
  add_handlers();
  pool_->on_online([weak](bool online) {
    const auto client = weak.lock();
    if (client && online) asio::co_spawn(client->executor_, learn_time(client), asio::detached);
  });
}

// What every Spot client answers. `idcard_update` is the inbox's own business.
void SpotClient::add_handlers() {
  const HandlerOptions from_anyone{true};
  inbox_->set_handler("ping", answering([](Incoming incoming) -> HandlerResult {
                        if (incoming.body.size() > kPingEcho) incoming.body.resize(kPingEcho);
                        return std::optional{std::move(incoming.body)};
                      }),
                      from_anyone);
  inbox_->set_handler("version", answering([text = options_.version](const Incoming&) -> HandlerResult {
                        return std::optional{to_bytes(text)};
                      }),
                      from_anyone);
  inbox_->set_handler("finger", answering([identity = identity_](const Incoming&) -> HandlerResult {
                        return std::optional{identity->card()->encoded};
                      }),
                      from_anyone);
  inbox_->set_handler("check_update",
                      answering([](const Incoming&) -> HandlerResult { return std::optional<Bytes>{}; }), from_anyone);
  inbox_->set_handler("idcard_update",
                      answering([](const Incoming&) -> HandlerResult { return std::optional<Bytes>{}; }), {});
}

// Messages are checked against the relay's clock, as their senders may have been.
asio::awaitable<void> SpotClient::learn_time(std::shared_ptr<SpotClient> self) {
  const auto before = self->options_.clock->wall();
  const auto time = co_await self->get_time();
  if (time) self->envelopes_.set_offset(*time - (before + (self->options_.clock->wall() - before) / 2));
}

asio::awaitable<void> SpotClient::close() {
  const auto keep = self();
  pool_->stop();
  queries_.fail(0, Errc::stopping);
  const auto queues = packet_queues_.with([](const auto& held) { return held; });
  for (const auto& weak : queues) {
    if (const auto queue = weak.lock()) queue->fail(Errc::stopping);
  }
  co_await ConnectionPool::wait_ended(pool_);
  deadlines_->close();
}

asio::awaitable<Answer<Bytes>> SpotClient::query(std::string target, Bytes body, Timeout timeout) {
  const auto keep = self();
  co_return co_await messenger_->query(std::move(target), body, deadline(timeout));
}

asio::awaitable<Answer<void>> SpotClient::send_to(std::string target, Bytes payload, std::string sender,
                                                  Timeout timeout) {
  const auto keep = self();
  co_return co_await messenger_->send(std::move(target), std::move(payload), std::move(sender), deadline(timeout));
}

Result<std::shared_ptr<PacketConnection>> SpotClient::listen_packet(std::string endpoint) {
  if (endpoint.empty() || endpoint.find('/') != endpoint.npos || inbox_->has_handler(endpoint))
    return fail(Errc::bad_argument);
  auto queue = std::make_shared<PacketQueue>(weak_from_this(), deadlines_, endpoint, target_id() + "/" + endpoint);
  packet_queues_.with([&](auto& held) {
    std::erase_if(held, [](const auto& weak) { return weak.expired(); });
    held.push_back(queue);
  });
  inbox_->set_handler(std::move(endpoint), answering([weak = std::weak_ptr{queue}](Incoming incoming) -> HandlerResult {
                        const auto to = weak.lock();
                        if (to) to->put({std::move(incoming.sender), std::move(incoming.body)});
                        return std::optional<Bytes>{};
                      }),
                      {});
  return std::shared_ptr<PacketConnection>{std::move(queue)};
}

// What changes nothing when it is done twice may be repeated: until the deadline, for as long as a connection comes
// back within the grace.
asio::awaitable<Answer<Bytes>> SpotClient::repeat(std::string target, Bytes body, bool stores) {
  const auto keep = self();
  const Deadline limit = deadline();
  for (;;) {
    auto by = co_await messenger_->connection(limit);
    if (!by) co_return by.error();
    // Before, as the connection may end meanwhile; and again, as a sync may come before the answer.
    if (stores) (*by)->has_unsynced_stores = true;
    auto answer = co_await messenger_->query(target, body, limit, *by);
    if (stores && answer) (*by)->has_unsynced_stores = true;
    if (answer || !may_repeat(answer.error().code)) co_return answer;
  }
}

asio::awaitable<Answer<void>> SpotClient::store_blob(std::string key, Bytes value, Bytes inner_header) {
  const auto keep = self();
  auto bottle = seal(value, inner_header, identity_->recipients(), identity_->keys().self());
  if (!bottle) co_return Failure{bottle.error()};
  co_return co_await store_bottle(std::move(key), std::move(*bottle));
}

asio::awaitable<Answer<void>> SpotClient::store_bottle(std::string key, Bytes bottle) {
  // Nothing after the NUL would be a delete, a NUL within the key another key.
  if (key.empty() || bottle.empty() || key.find('\0') != key.npos) co_return Failure{Errc::bad_argument};
  Bytes body = to_bytes(key);
  body.push_back(0);
  append(body, bottle);
  const auto answer = co_await repeat("@/store_blob", std::move(body), true);
  if (!answer) co_return answer.error();
  co_return Answer<void>{};
}

asio::awaitable<Answer<void>> SpotClient::delete_blob(std::string key) {
  if (key.empty() || key.find('\0') != key.npos) co_return Failure{Errc::bad_argument};
  Bytes body = to_bytes(key);
  body.push_back(0);
  const auto answer = co_await repeat("@/store_blob", std::move(body), true);
  if (!answer) co_return answer.error();
  co_return Answer<void>{};
}

asio::awaitable<Answer<Bytes>> SpotClient::fetch_bottle(std::string key) {
  co_return co_await repeat("@/fetch_blob", to_bytes(key), false);
}

asio::awaitable<Answer<Sealed>> SpotClient::fetch_blob(std::string key) {
  const auto keep = self();
  const auto bottle = co_await fetch_bottle(std::move(key));
  if (!bottle) co_return bottle.error();
  auto sealed = open_sealed(*bottle, identity_->keys(), identity_->signers());
  if (!sealed) co_return Failure{sealed.error()};
  // A message of ours that someone stored as a blob.
  if (is_message_header(sealed->header)) co_return Failure{Errc::wrong_name};
  co_return std::move(*sealed);
}

asio::awaitable<Answer<std::vector<Bytes>>> SpotClient::sync_blobs() {
  const auto keep = self();
  co_return co_await spot::sync_blobs(*messenger_, *pool_, deadline());
}

asio::awaitable<Answer<Clock::Wall>> SpotClient::get_time() {
  const auto answer = co_await query("@/time", {}, {});
  if (!answer) co_return answer.error();
  BytesView rest = *answer;
  const auto seconds = take_be<std::uint64_t>(rest);
  const auto nanoseconds = take_be<std::uint32_t>(rest);
  constexpr std::uint64_t kLatest = 9'000'000'000;  // year 2255: Clock::Wall ends in 2262
  if (!seconds || !nanoseconds || !rest.empty() || *seconds > kLatest || *nanoseconds >= 1'000'000'000)
    co_return Failure{Errc::malformed};
  co_return Clock::Wall{std::chrono::seconds{*seconds} + std::chrono::nanoseconds{*nanoseconds}};
}

asio::awaitable<Answer<CardPointer>> SpotClient::find_card(Sha256 hash) {
  const Deadline limit = deadline();
  for (;;) {
    Answer<CardPointer> card = co_await messenger_->find_card(hash, limit);
    // One that was never sent for want of a connection has waited for one.
    if (card || card.error().code != Errc::connection_lost) co_return card;
  }
}

asio::awaitable<Answer<IdCard>> SpotClient::get_id_card(Sha256 hash) {
  const auto keep = self();
  const auto card = co_await find_card(hash);
  if (!card) co_return card.error();
  co_return *card ? (*card)->card : id_card();
}

asio::awaitable<Answer<Bytes>> SpotClient::get_id_card_bin(Sha256 hash) {
  const auto keep = self();
  const auto card = co_await find_card(hash);
  if (!card) co_return card.error();
  co_return *card ? (*card)->encoded : id_card_bin();
}

asio::awaitable<Answer<IdCard>> SpotClient::get_id_card_for_recipient(std::string address) {
  const auto parsed = Address::parse(address);
  if (!parsed || parsed->kind != AddressKind::identity)
    co_return Failure{Errc::bad_argument, "not the address of an identity: " + address};
  co_return co_await get_id_card(parsed->hash);
}

asio::awaitable<Answer<std::vector<Sha256>>> SpotClient::get_group_members(Bytes group_key) {
  const auto answer = co_await repeat("@/group_list", std::move(group_key), false);
  if (!answer) co_return answer.error();
  std::vector<Sha256> members(answer->size() / 32);
  if (answer->size() % 32 != 0) co_return Failure{Errc::malformed};
  for (std::size_t i = 0; i < members.size(); ++i)
    std::copy_n(answer->begin() + static_cast<std::ptrdiff_t>(i * 32), 32, members[i].begin());
  co_return members;
}

std::vector<Sha256> SpotClient::known_cards() const {
  std::vector<Sha256> known = cards_.known();
  known.push_back(identity_->hash());
  return known;
}

std::optional<SignedCard> SpotClient::known_card(const Sha256& hash) const {
  if (hash == identity_->hash()) {
    const auto own = identity_->card();
    return SignedCard{own->card, own->encoded};
  }
  const CardPointer card = cards_.peek(hash);
  return card ? std::optional{SignedCard{card->card, card->encoded}} : std::nullopt;
}

}  // namespace

Result<std::shared_ptr<Client>> Client::make(asio::any_io_executor executor, ClientOptions options) {
  if (!options.keys) return fail(Errc::bad_argument);
  auto identity = Identity::make(options.keys, options.meta, options.groups, options.clock->wall());
  if (!identity) return identity.error();
  CardAges ages;
  if (!options.state_directory.empty()) {
    auto kept = CardAges::open(options.state_directory / "cards");
    if (!kept) return kept.error();
    ages = std::move(*kept);
  }
  TlsContext tls;
  if (!options.dialer) {
    auto context = make_tls_context(options.ca_file);
    if (!context) return context.error();
    tls = std::move(*context);
  } else if (options.hosts.empty()) {
    options.hosts.emplace_back("in process");
  }
  auto client =
      std::make_shared<SpotClient>(executor, std::move(options), std::move(*identity), std::move(ages), std::move(tls));
  client->connect_parts();
  return std::shared_ptr<Client>{std::move(client)};
}

}  // namespace spot
