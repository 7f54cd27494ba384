// A connection that is looked at after a suspend.
#include "client/connection.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>

#include "client/net/refusal.hpp"
#include "tests/fake/relay.hpp"

namespace spot {
namespace {

using namespace std::chrono_literals;

class ConnectionTest : public testing::Test {
 protected:
  ~ConnectionTest() override {
    connection_->stop();
    relay_->drop_connections();
    for (int i = 0; i < 10; ++i) settle();
  }

  // What can run without any time passing, on both sides.
  void settle() {
    settle(context_);
    settle(relay_context_);
    settle(context_);
  }
  static void settle(asio::io_context& context) {
    context.restart();
    while (context.poll() > 0) {
    }
  }
  void start() {
    connection_->start();
    for (int i = 0; i < 10; ++i) settle();
  }

  static std::shared_ptr<Identity> new_identity() {
    std::vector<PrivateKey> keys{PrivateKey::generate(KeyType::p256).value()};
    auto chain = std::make_shared<const Keychain>(Keychain::of(std::move(keys)).value());
    return Identity::make(std::move(chain), {}, {}, Clock::system().wall()).value();
  }

  asio::io_context context_{1}, relay_context_{1};
  std::shared_ptr<fake::Relay> relay_ = std::make_shared<fake::Relay>(relay_context_.get_executor());
  std::shared_ptr<Connection> connection_ = std::make_shared<Connection>(
      context_.get_executor(), "relay", relay_, new_identity(), Connection::Settings{60s, 1h, 1h, &Clock::system(), {}},
      Connection::Events{[](std::shared_ptr<Connection>, Message) {}, [](Connection&, SessionId, bool) {},
                         [](Connection&) {}});
};

TEST_F(ConnectionTest, AfterASuspendIsPingedAtOnce) {
  start();
  ASSERT_TRUE(connection_->status().online);
  ASSERT_FALSE(connection_->status().round_trip);
  connection_->check();
  for (int i = 0; i < 10; ++i) settle();
  EXPECT_TRUE(connection_->status().round_trip);
  EXPECT_TRUE(connection_->status().online);
}

TEST_F(ConnectionTest, IsNotDeadWhileItsPingIsUnderWay) {
  start();
  const SessionId session = connection_->session();
  connection_->check();
  settle(context_);  // the ping has left, the relay does not run
  connection_->check();
  settle(context_);
  EXPECT_EQ(connection_->session(), session);
  for (int i = 0; i < 10; ++i) settle();
  EXPECT_EQ(connection_->session(), session);
  EXPECT_TRUE(connection_->status().round_trip);
}

TEST_F(ConnectionTest, AfterASuspendIsMadeAnewWithoutBackOff) {
  relay_->refuses_connections = true;
  start();
  ASSERT_FALSE(connection_->status().online);
  relay_->refuses_connections = false;
  connection_->check();
  for (int i = 0; i < 10; ++i) settle();
  EXPECT_TRUE(connection_->status().online);
}

// --- Why it is offline -----------------------------------------------------------------------------------------------

// A relay that never answers, and hangs up with these words.
class MuteTransport final : public Transport, public Refusable {
 public:
  MuteTransport(const asio::any_io_executor& executor, std::string words, asio::steady_timer::time_point until)
      : end_{executor, until}, words_{std::move(words)} {}
  asio::awaitable<Result<Bytes>> receive() override {
    boost::system::error_code ec;
    co_await end_.async_wait(asio::redirect_error(asio::use_awaitable, ec));
    co_return fail(Errc::connection_lost);
  }
  asio::awaitable<Result<void>> send(Bytes) override { co_return Result<void>{}; }
  void close(std::uint16_t, std::string) override { end_.cancel(); }
  std::string refusal() const override { return words_; }
  Bytes certificate_digest() const override { return {}; }
  std::string peer_name() const override { return "mute"; }

 private:
  asio::steady_timer end_;
  const std::string words_;
};

struct MuteRelay final : Dialer {
  std::string words;
  asio::steady_timer::time_point until = asio::steady_timer::time_point::min();  // hangs up at once
  asio::awaitable<Result<std::unique_ptr<Transport>>> dial(std::string) override {
    std::unique_ptr<Transport> made = std::make_unique<MuteTransport>(co_await asio::this_coro::executor, words, until);
    co_return std::move(made);
  }
};

class ConnectionEndTest : public ConnectionTest {
 protected:
  // What the connection says of itself once an attempt has failed.
  std::string why_offline(const std::shared_ptr<MuteRelay>& relay, std::chrono::milliseconds handshake) {
    connection_ = std::make_shared<Connection>(
        context_.get_executor(), "relay", relay, new_identity(),
        Connection::Settings{handshake, 1h, 1h, &Clock::system(), [this](LogLevel, std::string line) { log_ = line; }},
        Connection::Events{[](std::shared_ptr<Connection>, Message) {}, [](Connection&, SessionId, bool) {},
                           [](Connection&) {}});
    connection_->start();
    while (connection_->status().last_error.empty()) {
      context_.restart();
      context_.run_one();
    }
    return connection_->status().last_error;
  }
  std::string log_;  // its last line
};

TEST_F(ConnectionEndTest, TellsWhatTheRelaySaidMadePrintable) {
  const auto relay = std::make_shared<MuteRelay>();
  relay->words = "go\x1b[2J\naway";
  EXPECT_EQ(why_offline(relay, 60s), "the relay refuses: go\\x1b[2J\\x0aaway");
  EXPECT_EQ(log_, "relay: the relay refuses: go\\x1b[2J\\x0aaway");
}

TEST_F(ConnectionEndTest, TellsThatItWasLostBeforeTheHandshake) {
  EXPECT_EQ(why_offline(std::make_shared<MuteRelay>(), 60s), "the connection was lost");
}

TEST_F(ConnectionEndTest, TellsThatThereWasNoHandshakeInTime) {
  const auto relay = std::make_shared<MuteRelay>();
  relay->until = asio::steady_timer::time_point::max();
  EXPECT_EQ(why_offline(relay, 1ms), make_error_code(Errc::timed_out).message());
}

}  // namespace
}  // namespace spot
