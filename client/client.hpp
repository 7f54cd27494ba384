// The Spot client that all others use: connections kept alive in the background, queries, messages, packets, blobs.
//
// Thread: every function may be called from any thread; coroutines run on the executor of their caller and honour its
// cancellation. Handlers and events run on the client's executor, never under a lock.
// Lifetime: make() gives a shared client; close() ends it and every wait in it (Errc::stopping).
// Errors: Failure.code as in result.hpp; Failure.text is what the other side said (see failure.hpp).
// Source: protocol.md, section 4.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "client/base/clock.hpp"
#include "client/base/failure.hpp"
#include "client/bottle/id_card.hpp"
#include "client/bottle/sealed.hpp"
#include "client/net/transport.hpp"
#include "client/proto/packet.hpp"

namespace spot {

class PacketConnection;

enum class LogLevel { debug, info, warning, error };
using Log = std::function<void(LogLevel, std::string)>;

struct ClientOptions {
  std::shared_ptr<const Keychain> keys;             // required
  std::vector<std::string> hosts;                   // "host[:port]"; none: discovery
  std::string discovery_host = "www.atonline.com";  // "host[:port]"
  std::filesystem::path ca_file;                    // PEM; empty: the system's roots
  std::filesystem::path state_directory;            // keeps the newest `issued` of each card; empty: memory alone
  std::map<std::string, std::string> meta;          // of our ID card
  std::vector<Bytes> groups;                        // PKIX keys of groups whose memberships are taken
  bool require_binding = false;                     // bind=require
  std::chrono::milliseconds query_timeout{30'000};
  std::chrono::milliseconds handshake_timeout{30'000};
  std::chrono::milliseconds keepalive{15'000};
  std::chrono::milliseconds pong_timeout{10'000};
  std::chrono::milliseconds offline_grace{3'000};  // how long an operation waits for a connection
  std::string version = "spotfs/" SPOTFS_VERSION;  // what the endpoint `version` answers
  Log log;                                         // none: nothing is logged
  const Clock* clock = &Clock::system();
  std::shared_ptr<Dialer> dialer;  // none: TLS and WebSocket. With one, `hosts` are its names
};

// A message that reached one of our endpoints.
struct Incoming {
  std::string sender;  // k.<hash>/<endpoint>, as the relay says; verified if `verified`
  std::string recipient;
  std::string endpoint;
  Uuid id{};
  Bytes body;
  bool verified = false;  // sealed for us and signed by the sender's card
};

// nullopt: no reply. A failure: an error reply with its text.
using HandlerResult = Answer<std::optional<Bytes>>;
using Handler = std::function<asio::awaitable<HandlerResult>(Incoming)>;

struct HandlerOptions {
  bool unverified = false;  // takes unsealed messages too
};

// A message that is answered later, at most once. Thread: any. Lifetime: does not keep the client.
class Question {
 public:
  virtual ~Question() = default;
  virtual const Incoming& message() const = 0;
  virtual bool is_query() const = 0;  // its sender waits for an answer; it takes one in any case
  // By the connection that it came by, or by any other where that one is gone. After an error nothing was sent, and it
  // can be answered once more: too_large; offline; those of a seal.
  virtual asio::awaitable<Answer<void>> answer(HandlerResult result) = 0;
};
// Quick. A failure is answered at once, as that of a Handler.
using Taker = std::function<Answer<void>(std::shared_ptr<Question>)>;

struct ConnectionStatus {
  std::string host;
  bool online = false;
  Clock::Wall since{};                                 // of the last change of `online`
  std::optional<std::chrono::nanoseconds> round_trip;  // of the last ping
  std::uint64_t reconnects = 0;
  std::string last_error;
};

// An ID card and what it says; verified.
struct SignedCard {
  IdCard card;
  Bytes encoded;
};

using Timeout = std::optional<std::chrono::milliseconds>;  // nullopt: query_timeout

class Client : public std::enable_shared_from_this<Client> {
 public:
  // Nothing runs before start().
  static Result<std::shared_ptr<Client>> make(asio::any_io_executor executor, ClientOptions options);
  virtual ~Client() = default;

  virtual void start() = 0;
  virtual asio::awaitable<void> close() = 0;
  virtual asio::awaitable<Result<void>> wait_online(std::chrono::milliseconds timeout) = 0;
  virtual std::size_t connection_count() const = 0;  // online ones
  virtual std::vector<ConnectionStatus> connections() const = 0;
  virtual void reconnect() = 0;  // at once, without back-off: after a suspend
  // Called with true when the first connection is online, with false when the last one is gone. Returns an id.
  virtual std::uint64_t on_online(std::function<void(bool)> event) = 0;
  virtual void remove_event(std::uint64_t id) = 0;

  virtual std::string target_id() const = 0;  // k.<hash>
  virtual IdCard id_card() const = 0;
  virtual Bytes id_card_bin() const = 0;
  virtual const Keychain& keys() const = 0;

  // One query, sent at most once. connection_lost: the outcome is unknown.
  virtual asio::awaitable<Answer<Bytes>> query(std::string target, Bytes body, Timeout timeout = {}) = 0;
  virtual std::size_t queries_in_flight() const = 0;
  // One message without an answer. `sender` is an endpoint of ours, "/name".
  virtual asio::awaitable<Answer<void>> send_to(std::string target, Bytes payload, std::string sender,
                                                Timeout timeout = {}) = 0;

  // An empty handler removes it.
  virtual void set_handler(std::string endpoint, Handler handler, HandlerOptions options = {}) = 0;
  // The same for messages that are answered later; an empty taker is removed. One takes the place of another, but
  // not that of a handler: bad_argument.
  virtual Result<void> set_taker(std::string endpoint, Taker taker, HandlerOptions options = {}) = 0;
  // Errors: bad_argument where the endpoint is taken.
  virtual Result<std::shared_ptr<PacketConnection>> listen_packet(std::string endpoint) = 0;

  // Blobs, by key. Sealed for our own keys; `inner_header` is an encoded CBOR map.
  virtual asio::awaitable<Answer<void>> store_blob(std::string key, Bytes value, Bytes inner_header) = 0;
  virtual asio::awaitable<Answer<Sealed>> fetch_blob(std::string key) = 0;
  // The bottle as it is. Repeated until the deadline where a connection is lost, as all blob operations.
  virtual asio::awaitable<Answer<void>> store_bottle(std::string key, Bytes bottle) = 0;
  virtual asio::awaitable<Answer<Bytes>> fetch_bottle(std::string key) = 0;
  virtual asio::awaitable<Answer<void>> delete_blob(std::string key) = 0;
  // @/blob_sync on every connection that took a store since the last one, on any where none did; the ids of the relays'
  // runs, empty where a relay does not know the endpoint. One more that no relay has: a connection that took a store is
  // gone, and nobody else can say whether that is still there.
  virtual asio::awaitable<Answer<std::vector<Bytes>>> sync_blobs() = 0;

  virtual asio::awaitable<Answer<Clock::Wall>> get_time() = 0;
  // Cards, and who is in a group: repeated where a connection is lost, as blobs are.
  virtual asio::awaitable<Answer<IdCard>> get_id_card(Sha256 hash) = 0;
  virtual asio::awaitable<Answer<Bytes>> get_id_card_bin(Sha256 hash) = 0;
  virtual asio::awaitable<Answer<IdCard>> get_id_card_for_recipient(std::string address) = 0;
  virtual asio::awaitable<Answer<std::vector<Sha256>>> get_group_members(Bytes group_key) = 0;
  // Those that were met since start() and not forgotten since, and our own: nobody is asked.
  virtual std::vector<Sha256> known_cards() const = 0;
  virtual std::optional<SignedCard> known_card(const Sha256& hash) const = 0;
  // The next one who needs it asks for it. One that is older than this is refused all the same.
  virtual void forget_card(const Sha256& hash) = 0;
};

// Packets between endpoints, sealed, without answers. Thread and errors as Client.
class PacketConnection {
 public:
  struct Packet {
    std::string from;  // k.<hash>/<endpoint>
    Bytes payload;
  };
  virtual ~PacketConnection() = default;
  virtual asio::awaitable<Answer<Packet>> read_from(std::chrono::milliseconds timeout) = 0;
  virtual asio::awaitable<Answer<void>> write_to(std::string address, Bytes payload) = 0;
  virtual std::string local_addr() const = 0;  // k.<hash>/<endpoint>
  virtual void close() = 0;
};

}  // namespace spot
