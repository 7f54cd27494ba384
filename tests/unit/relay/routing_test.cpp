// Where messages go, and what they say of their sender when they arrive.
#include <gmock/gmock.h>

#include "tests/unit/relay/relay_fixture.hpp"

namespace spot::relay {
namespace {

class RoutingTest : public RelayTest {
 protected:
  static Message message_to(std::string recipient, std::uint64_t flags = flag::not_bottle) {
    Message message;
    message.id = random_uuid();
    message.flags = flags;
    message.recipient = std::move(recipient);
    message.sender = "/answer";
    message.body = to_bytes("body");
    return message;
  }
  static void expect_refusal(const Message& answer, const Message& question, std::string_view text) {
    EXPECT_EQ(answer.id, question.id);
    EXPECT_EQ(answer.flags, flag::response | flag::error | flag::not_bottle);
    EXPECT_EQ(as_text(answer.body), text);
  }
};

TEST_F(RoutingTest, CompletesTheSender) {
  open();
  const auto a = enter(), b = enter();
  const Message sent = message_to(b->target + "/test");
  a->send(sent);
  const Message received = b->receive();
  EXPECT_EQ(received.id, sent.id);
  EXPECT_EQ(received.flags, sent.flags);
  EXPECT_EQ(received.recipient, sent.recipient);
  EXPECT_EQ(received.sender, a->target + "/answer");
  EXPECT_EQ(received.body, sent.body);
}

TEST_F(RoutingTest, FindsAnIdentityWhateverServerItsAddressNames) {
  open();
  const auto a = enter(), b = enter();
  a->send(message_to("k.elsewhere." + b->target.substr(2) + "/test"));
  EXPECT_EQ(b->receive().sender, a->target + "/answer");
}

TEST_F(RoutingTest, BringsAMessageToOneConnection) {
  open();
  const auto keys = new_keys();
  const auto a = enter(), b = enter(keys), c = enter(keys);
  for (int i = 0; i < 8; ++i) a->send(message_to(c->connection + "/test"));
  for (int i = 0; i < 8; ++i) EXPECT_EQ(c->receive().recipient, c->connection + "/test");
  EXPECT_TRUE(b->is_still_connected());  // and nothing came before the ping
}

TEST_F(RoutingTest, SpreadsMessagesOverTheConnectionsOfAnIdentity) {
  open();
  const auto keys = new_keys();
  const auto a = enter(), b = enter(keys), c = enter(keys);
  for (int i = 0; i < 64; ++i) a->send(message_to(b->target + "/test"));
  // Each has at least one: that all go one way has a chance of 2^-63.
  EXPECT_EQ(b->receive().sender, a->target + "/answer");
  EXPECT_EQ(c->receive().sender, a->target + "/answer");
}

TEST_F(RoutingTest, BringsAResponseToTheConnectionThatAsked) {
  open();
  const auto keys = new_keys();
  const auto asker = enter(keys), other = enter(keys), peer = enter();
  for (int i = 0; i < 16; ++i) {
    asker->send(message_to(peer->target + "/test"));
    const Message question = peer->receive();
    Message answer = message_to(question.sender, flag::response | flag::not_bottle);
    answer.id = question.id;
    peer->send(answer);
    EXPECT_EQ(asker->receive().id, question.id);
  }
  EXPECT_TRUE(other->is_still_connected());
}

TEST_F(RoutingTest, ForgetsWhoAskedAfterItsTime) {
  RelayOptions options;
  options.clock = &clock_;
  open(options);
  const auto keys = new_keys();
  const auto asker = enter(keys), other = enter(keys), peer = enter();
  std::vector<Message> answers;
  for (int i = 0; i < 64; ++i) {
    asker->send(message_to(peer->target + "/test"));
    const Message question = peer->receive();
    answers.push_back(message_to(question.sender, flag::response | flag::not_bottle));
    answers.back().id = question.id;
  }
  clock_.passed += std::chrono::minutes{6};
  for (const Message& answer : answers) peer->send(answer);
  EXPECT_TRUE(other->receive().has(flag::response));
}

TEST_F(RoutingTest, BringsAMessageForAGroupToAMemberThatIsOnline) {
  open();
  const auto a = enter(), member = enter();
  const Sha256 group = identity(9);
  const Sha256 hash = Address::parse(member->target + "/")->hash;
  ASSERT_TRUE(run(relay_->database().store_membership({group, hash, true, 1, Bytes{1}})));
  ASSERT_TRUE(run(relay_->database().store_membership({group, identity(8), true, 1, Bytes{1}})));
  for (int i = 0; i < 8; ++i) {
    a->send(message_to(group_target(group) + "/test"));
    EXPECT_EQ(member->receive().recipient, group_target(group) + "/test");
  }
}

TEST_F(RoutingTest, SaysAtOnceThatNobodyIsThere) {
  open();
  const auto a = enter();
  for (const std::string& target :
       {identity_target(identity(1)), std::string{"c.relay.gone"}, group_target(identity(2))}) {
    const Message question = message_to(target + "/test");
    a->send(question);
    const Message answer = a->receive();
    expect_refusal(answer, question, "recipient not online");
    EXPECT_EQ(answer.recipient, a->connection + "/answer");
    EXPECT_TRUE(answer.sender.starts_with("@/"));
  }
}

TEST_F(RoutingTest, SaysThatSomeoneIsGone) {
  open();
  const auto a = enter();
  auto b = enter();
  const std::string target = b->target;
  b.reset();
  run_until([this] { return relay_->session_count() == 1; });
  const Message question = message_to(target + "/test");
  a->send(question);
  expect_refusal(a->receive(), question, "recipient not online");
}

TEST_F(RoutingTest, NeverAnswersAResponse) {
  open();
  const auto a = enter();
  a->send(message_to(identity_target(identity(1)) + "/test", flag::response | flag::not_bottle));
  a->send(message_to("@/time", flag::response | flag::not_bottle));
  a->send(message_to("nonsense", flag::response | flag::not_bottle));
  EXPECT_TRUE(a->is_still_connected());
}

TEST_F(RoutingTest, RefusesASenderThatIsNoEndpoint) {
  open();
  const auto a = enter(), b = enter();
  for (const std::string& sender :
       {std::string{}, std::string{"answer"}, b->target + "/answer", std::string{"@/time"}}) {
    Message question = message_to(b->target + "/test");
    question.sender = sender;
    a->send(question);
    const Message answer = a->receive();
    expect_refusal(answer, question, "bad sender");
    EXPECT_EQ(answer.recipient, a->connection + "/" + to_text(question.id));
  }
  EXPECT_TRUE(b->is_still_connected());
}

TEST_F(RoutingTest, RefusesASenderThatIsTooLongOnceItIsComplete) {
  open();
  const auto a = enter(), b = enter();
  Message question = message_to(b->target + "/test");
  question.sender = "/" + std::string(kMaxNameSize - 1, 'x');
  a->send(question);
  expect_refusal(a->receive(), question, "bad sender");
}

TEST_F(RoutingTest, RefusesARecipientThatIsNoAddress) {
  open();
  const auto a = enter();
  for (const char* recipient : {"", "/test", "k.short/test", "x.y/test"}) {
    const Message question = message_to(recipient);
    a->send(question);
    expect_refusal(a->receive(), question, "bad recipient");
  }
}

TEST_F(RoutingTest, RefusesABodyThatIsTooLarge) {
  open();
  const auto a = enter(), b = enter();
  Message question = message_to(b->target + "/test");
  question.body.assign(kMaxBodySize, 1);
  Bytes body = encode_message(question).value();
  body.push_back(1);
  a->send_packet(encode_packet(PacketType::message, body));
  const Message answer = a->receive();
  expect_refusal(answer, question, "too large");
  EXPECT_EQ(answer.recipient, a->connection + "/" + to_text(question.id));
  a->send(question);
  EXPECT_EQ(b->receive().body.size(), kMaxBodySize);
}

TEST_F(RoutingTest, SurvivesPacketsThatAreNone) {
  open();
  const auto a = enter();
  for (const Bytes& packet : {Bytes{}, Bytes{0xFF}, Bytes{0x02}, Bytes{0x02, 1, 2, 3}, Bytes{0x13}})
    a->send_packet(packet);
  a->send_packet(encode_packet(PacketType::handshake, Bytes{0xA0}));  // nothing was asked
  EXPECT_TRUE(a->is_still_connected());
}

TEST_F(RoutingTest, AnswersPingsAndSendsNoneOfItsOwn) {
  open();
  const auto a = enter();
  const Bytes ping = encode_packet(PacketType::ping, to_bytes("once"));
  a->send_packet(ping);
  EXPECT_EQ(a->receive_packet().value(), ping);
  a->send(message_to("@/time"));
  const Bytes next = a->receive_packet().value();
  EXPECT_EQ(decode_packet(next)->type, PacketType::message);
}

TEST_F(RoutingTest, RefusesMoreMessagesThanTheRateAllows) {
  RelayOptions options;
  options.clock = &clock_;
  options.limits.messages_per_second = 1;
  options.limits.message_burst = 2;
  open(options);
  const auto a = enter(), b = enter();
  for (int i = 0; i < 2; ++i) {
    a->send(message_to(b->target + "/test"));
    b->receive();
  }
  const Message question = message_to(b->target + "/test");
  a->send(question);
  expect_refusal(a->receive(), question, "rate exceeded");
  clock_.passed += std::chrono::seconds{1};
  a->send(question);
  EXPECT_EQ(b->receive().id, question.id);
}

}  // namespace
}  // namespace spot::relay
