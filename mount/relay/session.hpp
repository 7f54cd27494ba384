// One client: its handshake, its messages and queries, and what is sent to it.
//
// Four things run on the session's strand: a loop that reads, which also answers what needs no waiting; a coroutine
// for each query that the database works on; one that drains the outbox while there is something in it; and a timer
// that ends whoever is late with the handshake or does not read. Others only leave packets in the outbox.
//
// Thread: all on the strand, but for Mailbox. Lifetime: held by its coroutines, and by the router while it is online.
#pragma once

#include <functional>
#include <map>

#include <boost/asio/steady_timer.hpp>

#include "client/net/transport.hpp"
#include "client/proto/address.hpp"
#include "mount/relay/bounds.hpp"
#include "mount/relay/endpoints.hpp"
#include "mount/relay/handshake.hpp"
#include "mount/relay/outbox.hpp"

namespace spot::relay {

inline constexpr std::uint16_t kPolicyViolation = 1008;  // RFC 6455, 7.4.1

// A connection that has come in.
struct Arrival {
  std::unique_ptr<Transport> transport;
  asio::any_io_executor strand;
  std::chrono::steady_clock::time_point accepted;
  Bytes certificate;                    // SHA-256 of ours; empty without TLS
  std::function<void()> authenticated;  // once the handshake is done: larger packets may come; may be empty
};

class Session final : public Mailbox, public std::enable_shared_from_this<Session> {
 public:
  Session(std::shared_ptr<const Services> services, Arrival arrival);

  // From the first packet to the last; on the strand.
  static asio::awaitable<void> run(std::shared_ptr<Session> self);
  // On the strand; from here on nothing is read or sent.
  void end(std::uint16_t code, std::string_view reason);
  const asio::any_io_executor& strand() const noexcept { return arrival_.strand; }

  const std::string& address() const noexcept override { return address_; }
  Offer offer(Bytes packet) override;
  bool asked(const Uuid& message) override;
  void given_changed() override;

 private:
  asio::awaitable<bool> shake_hands();
  asio::awaitable<Answer<Proven>> ask_who(std::vector<Bytes> memberships);
  asio::awaitable<std::vector<Bytes>> missing_memberships(Sha256 identity);
  asio::awaitable<Result<void>> admit(Proven proven);
  asio::awaitable<Result<bool>> store_card(const Proven& proven);
  void note_memberships(const IdCard& card);
  void send_handshake(bool ready, std::vector<Bytes> memberships);

  static asio::awaitable<void> ask_again(std::shared_ptr<Session> self);
  asio::awaitable<void> take_new_card(BytesView response);

  asio::awaitable<void> serve();
  asio::awaitable<void> take(BytesView body);
  asio::awaitable<void> forward(Message message, Address to);
  asio::awaitable<Result<void>> route(Address to, Message message);
  asio::awaitable<void> answer(const Endpoint* endpoint, Message question, std::string name);
  static asio::awaitable<void> answer_later(std::shared_ptr<Session> self, const Endpoint* endpoint, Message question);
  void reply(const Message& question, std::string_view endpoint, Answer<Bytes> result);
  void refuse(const Message& question, std::string_view text);
  void refuse_undecoded(BytesView body, std::error_code why);

  asio::awaitable<void> until_relieved();
  bool burdened() const;
  void relieve();
  void send(Bytes packet);
  static asio::awaitable<void> drain(std::shared_ptr<Session> self);
  void watch();
  void look();

  const std::shared_ptr<const Services> services_;
  const Limits& limits_;
  Arrival arrival_;
  const std::string connection_;  // cid
  const std::string address_;     // c.<cid>
  Sha256 identity_{};
  std::string target_;                     // k.<hash>
  Bytes request_;                          // the body of the last handshake request; empty: it was answered
  std::map<Sha256, UnixSeconds> held_;     // `issued` of the memberships in its card, by group
  std::map<Sha256, UnixSeconds> offered_;  // of those that it was asked to take
  bool asks_again_ = false;                // or will
  std::chrono::steady_clock::time_point asked_at_{};
  bool ready_ = false;
  bool ended_ = false;
  std::size_t in_flight_ = 0;
  Rate rate_;
  Synchronized<RecentIds> recent_;
  Outbox outbox_;
  std::optional<std::chrono::steady_clock::time_point> sending_since_;
  asio::steady_timer watch_;
  asio::steady_timer relief_;
  asio::steady_timer again_;
};

}  // namespace spot::relay
