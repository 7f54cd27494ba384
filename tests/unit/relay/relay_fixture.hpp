// A relay, real clients and guests (who speak the protocol by hand) on one thread: a test runs until its coroutine has
// an answer, or fails at a deadline.
#pragma once

#include <future>

#include "client/client.hpp"
#include "client/proto/handshake.hpp"
#include "mount/relay/relay.hpp"
#include "tests/unit/relay/database_fixture.hpp"
#include "tests/unit/spawn.hpp"

namespace spot::relay {

// A time that stands still until it is set.
struct StillClock final : Clock {
  Wall now = Clock::system().wall();
  Steady passed{std::chrono::hours{1}};
  Wall wall() const override { return now; }
  Steady steady() const override { return passed; }
};

// All that is logged while it exists.
class LogCapture {
 public:
  LogCapture();
  ~LogCapture();
  bool has(std::string_view text) const { return text_->find(text) != text_->npos; }

 private:
  class Sink;
  std::shared_ptr<std::string> text_ = std::make_shared<std::string>();
};

// How the relay ended a connection.
struct Ending {
  std::uint16_t code = 0;  // 0: it did not
  std::string reason;
};

class RelayTest;

class Guest {
 public:
  Guest(RelayTest& test, std::unique_ptr<Transport> transport, std::shared_ptr<const Ending> ending)
      : test_{test}, transport_{std::move(transport)}, ending_{std::move(ending)} {}

  void send_packet(Bytes packet);
  void send_packets(std::vector<Bytes> packets);  // together
  void send(Message message);
  Result<Bytes> receive_packet();
  Message receive();          // the next message; other packets are passed over
  Bytes receive_request();    // the body of the next handshake request
  bool is_still_connected();  // a ping comes back, and nothing before it

  // A system endpoint's answer to an unsigned question.
  Message ask(std::string_view endpoint, Bytes body);
  // The answer to a request. `card` and `key` as they are; `signs` signs.
  static Bytes response(BytesView request, BytesView card, BytesView key, const PrivateKey& signs);

  const Ending& ending() const noexcept { return *ending_; }
  std::string target;      // k.<hash>
  std::string connection;  // c.<cid>

 private:
  RelayTest& test_;
  const std::unique_ptr<Transport> transport_;
  const std::shared_ptr<const Ending> ending_;
};

class RelayTest : public testing::Test {
 protected:
  ~RelayTest() override;

  // Another relay with the same data takes the place of one that runs.
  void open(RelayOptions options = {});
  void close();

  static std::shared_ptr<const Keychain> new_keys();
  static Bytes card_of(const Keychain& keys, UnixSeconds issued = 0);  // signed; 0: now
  static Sha256 hash_of(const Keychain& keys) { return keys.self().public_key().hash(); }

  // Started, with keys of its own where it has none; logs to log_.
  std::shared_ptr<Client> start(ClientOptions options);
  std::shared_ptr<Client> online(ClientOptions options);
  // In this process.
  std::shared_ptr<Client> online(std::shared_ptr<const Keychain> keys = new_keys());
  bool logged(std::string_view text) const { return log_.find(text) != log_.npos; }
  // Connected, before its handshake.
  std::unique_ptr<Guest> arrive();
  std::unique_ptr<Guest> enter(std::shared_ptr<const Keychain> keys = new_keys(), UnixSeconds issued = 0);
  // Makes a guest of a connection, whatever it came over.
  std::unique_ptr<Guest> shake_hands(std::unique_ptr<Transport> transport);

  TemporaryDirectory directory_;
  StillClock clock_;
  asio::io_context context_{1};
  std::shared_ptr<Relay> relay_;
  std::string log_;  // of the clients

 public:
  template <class T>
  T run(asio::awaitable<T> work) {
    auto result = spot::test::spawn(context_, std::move(work));
    run_until([&] { return result.wait_for(std::chrono::seconds{0}) == std::future_status::ready; });
    return result.get();
  }
  // Throws where it does not come to that.
  void run_until(const std::function<bool()>& done);

 private:
  void shake_hands(Guest& guest, const Keychain& keys, UnixSeconds issued);

  std::vector<std::shared_ptr<Client>> clients_;
};

}  // namespace spot::relay
