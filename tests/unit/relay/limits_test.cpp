// What one client, or many, can make the relay hold.
#include <gmock/gmock.h>

#include "tests/unit/relay/relay_fixture.hpp"

namespace spot::relay {
namespace {

class LimitTest : public RelayTest {
 protected:
  static Bytes message_packet(std::string recipient, Bytes body) {
    Message message;
    message.id = random_uuid();
    message.flags = flag::not_bottle;
    message.recipient = std::move(recipient);
    message.sender = "/answer";
    message.body = std::move(body);
    return encode_packet(PacketType::message, encode_message(message).value());
  }
};

TEST_F(LimitTest, TakesNoMoreConnectionsThanItMay) {
  RelayOptions options;
  options.limits.connections = 2;
  open(options);
  const auto a = enter();
  auto b = enter();
  const auto refused = arrive();
  EXPECT_EQ(refused->receive_packet().error(), Errc::connection_lost);
  EXPECT_EQ(refused->ending().code, 1013);
  b.reset();
  run_until([this] { return relay_->session_count() == 1; });
  EXPECT_TRUE(enter()->is_still_connected());
}

TEST_F(LimitTest, TakesNoMoreConnectionsOfAnIdentityThanItMay) {
  RelayOptions options;
  options.limits.connections_per_identity = 2;
  open(options);
  const LogCapture log;
  const auto keys = new_keys();
  const auto a = enter(keys), b = enter(keys);
  const auto refused = arrive();
  const Bytes request = refused->receive_request();
  refused->send_packet(Guest::response(request, card_of(*keys), keys->self().public_key().pkix(), keys->self()));
  EXPECT_EQ(refused->receive_packet().error(), Errc::connection_lost);
  EXPECT_EQ(refused->ending().code, 1008);
  EXPECT_TRUE(log.has("too many connections of one identity"));
  EXPECT_TRUE(enter()->is_still_connected());
}

TEST_F(LimitTest, EndsAConnectionThatDoesNotRead) {
  RelayOptions options;
  options.limits.stalled = std::chrono::milliseconds{40};
  open(options);
  const LogCapture log;
  const auto reads = enter(), sleeps = enter();
  // More than a pipe holds, so that the relay has to wait for its reader.
  const Bytes packet = message_packet(sleeps->target + "/test", Bytes(60'000));
  for (int i = 0; i < 100; ++i) reads->send_packet(packet);
  run_until([&] { return sleeps->ending().code != 0; });
  EXPECT_EQ(sleeps->ending().code, 1008);
  EXPECT_TRUE(log.has("it reads too slowly"));
  EXPECT_TRUE(reads->is_still_connected());
}

TEST_F(LimitTest, RefusesMessagesForAFullOutbox) {
  RelayOptions options;
  options.limits.outbox_full = 1 << 20;
  open(options);
  const auto a = enter(), sleeps = enter();
  const Bytes packet = message_packet(sleeps->target + "/test", Bytes(60'000));
  for (int i = 0; i < 120; ++i) a->send_packet(packet);
  const Message answer = a->receive();
  EXPECT_TRUE(answer.has(flag::error));
  EXPECT_EQ(as_text(answer.body), "rate exceeded");
}

TEST_F(LimitTest, ReadsNothingMoreFromWhoDoesNotReadItsAnswers) {
  RelayOptions options;
  options.limits.outbox_pause = 1 << 20;
  open(options);
  const auto guest = enter();
  Bytes blob = to_bytes("key");
  blob.push_back(0);
  blob.resize(blob.size() + 49'152, 1);
  ASSERT_EQ(guest->ask("store_blob", blob).flags & flag::error, 0U);
  // Its pipe and the outbox are full long before the last of the answers; then the questions stay where they are.
  constexpr int kQuestions = 1'000;
  for (int i = 0; i < kQuestions; ++i) guest->send_packet(message_packet("@/fetch_blob", to_bytes("key")));
  for (int i = 0; i < kQuestions; ++i) EXPECT_EQ(guest->receive().body.size(), 49'152U);
  EXPECT_TRUE(guest->is_still_connected());
}

TEST_F(LimitTest, AnswersEachOfManyStoresAtOnce) {
  open();
  const auto guest = enter();
  constexpr std::size_t kStores = 2'000;
  for (std::size_t i = 0; i < kStores; ++i) {
    Bytes body = to_bytes("key " + std::to_string(i));
    body.push_back(0);
    body.resize(body.size() + 1'000, 1);
    guest->send_packet(message_packet("@/store_blob", std::move(body)));
  }
  std::set<Uuid> answered;
  for (std::size_t i = 0; i < kStores; ++i) {
    const Message answer = guest->receive();
    EXPECT_FALSE(answer.has(flag::error)) << as_text(answer.body);
    answered.insert(answer.id);
  }
  EXPECT_EQ(answered.size(), kStores);
}

TEST_F(LimitTest, ForgetsAConnectionThatBreaksOff) {
  open();
  for (int i = 0; i < 20; ++i) {
    const auto guest = enter();
    guest->send_packet(message_packet("@/idcard_find", Bytes(32, 1)));
  }
  run_until([this] { return relay_->session_count() == 0; });
}

}  // namespace
}  // namespace spot::relay
