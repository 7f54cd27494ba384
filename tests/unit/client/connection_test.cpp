// A connection that is looked at after a suspend.
#include "client/connection.hpp"

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace spot
