// query, send, ping, time, card and group, as lines, on a relay in the test's hands.
#include <boost/json/array.hpp>
#include <gmock/gmock.h>

#include "client/base/encoding.hpp"
#include "client/proto/address.hpp"
#include "fs/tree/asking.hpp"
#include "fs/tree/control/peers.hpp"
#include "tests/unit/client/client_fixture.hpp"

namespace spotfs::tree {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

const std::string kHostile = "\x1b[2J\nrm -rf\x07\xc2\x9b" + std::string(100'000, 'x');

class ControlPeersTest : public spot::ClientTest {
 protected:
  void SetUp() override {
    client_ = online();
    peer_ = online();
    peer_->set_handler("echo", [](spot::Incoming message) -> asio::awaitable<spot::HandlerResult> {
      co_return spot::HandlerResult{std::optional{std::move(message.body)}};
    });
    peer_->set_handler("hostile", [](const spot::Incoming&) -> asio::awaitable<spot::HandlerResult> {
      co_return spot::Failure{spot::Errc::remote_error, kHostile.substr(0, 60'000)};
    });
  }
  std::string at(const std::string& endpoint) const { return peer_->target_id() + "/" + endpoint; }
  static std::string text_of(const json::object& line, std::string_view name) {
    const json::value* const value = line.if_contains(name);
    return value == nullptr || !value->is_string() ? "(none)" : std::string{value->as_string()};
  }
  spot::Answer<json::object> query(const std::string& address, const std::string& body) {
    return run(ask_query(client_, address, spot::to_bytes(body), std::chrono::seconds{30}));
  }

  std::shared_ptr<spot::Client> client_, peer_;
  const spot::Clock* const clock_ = &spot::Clock::system();
};

TEST_F(ControlPeersTest, AReplyIsThereAsBytesAndWhereItCanBeAsText) {
  const json::object text = query(at("echo"), "hi\n").value();
  EXPECT_EQ(text_of(text, "event"), "reply");
  EXPECT_EQ(text_of(text, "text"), "hi\n");
  const json::object bytes = query(at("echo"), std::string{"\xff\0\x01", 3}).value();
  EXPECT_FALSE(bytes.contains("text"));
  EXPECT_EQ(spot::to_string(spot::from_any_base64(text_of(bytes, "base64")).value()), (std::string{"\xff\0\x01", 3}));
}

TEST_F(ControlPeersTest, WhatAPeerSaysIsMadePrintableAndShort) {
  const auto answer = query(at("hostile"), "");
  ASSERT_FALSE(answer);
  const std::string line = to_line(error_line(answer.error()));
  EXPECT_THAT(line, HasSubstr("EREMOTEIO"));
  EXPECT_LT(line.size(), 1'500U);
  EXPECT_THAT(line, EndsWith("\n"));
  EXPECT_EQ(line.find_first_of("\x1b\x07"), line.npos);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
}

TEST_F(ControlPeersTest, ALineHasNoByteThatATerminalTakesForACommand) {
  json::object line;
  line["text"] = "a\x7f\xc2\x9b\xc2\x80\xc2\xa0ä\x1b";
  EXPECT_EQ(to_line(line), "{\"text\":\"a\\u007f\\u009b\\u0080\xc2\xa0ä\\u001b\"}\n");
}

TEST_F(ControlPeersTest, WhatBlobsIsMadeOfIsRefused) {
  for (const char* name : {"@/store_blob", "@/fetch_blob", "@/blob_sync"}) {
    EXPECT_EQ(query(name, "x").error().code, spot::Errc::refused) << name;
    EXPECT_FALSE(run(ask_send(client_, name, {}, ""))) << name;
  }
  for (const spot::Message& message : relay_->messages) EXPECT_THAT(message.recipient, Not(HasSubstr("blob")));
}

TEST_F(ControlPeersTest, WhatIsNoAddressIsNotAsked) {
  settle();
  const std::size_t before = relay_->messages.size();
  EXPECT_EQ(query("k.short/x", "").error().code, spot::Errc::bad_argument);
  EXPECT_EQ(query("\x1b[2J", "").error().code, spot::Errc::bad_argument);
  for (const std::string& address : {std::string{"@"}, peer_->target_id(), peer_->target_id() + "/"})
    EXPECT_THAT(query(address, "").error().text, HasSubstr("names no endpoint")) << address;
  EXPECT_THAT(query(at(std::string(250, 'q')), "").error().text, HasSubstr("is too long"));
  EXPECT_EQ(run(ask_ping(client_, at("echo"), {}, clock_)).error().code, spot::Errc::bad_argument);
  EXPECT_EQ(run(ask_send(client_, at("echo"), {}, "a/b")).error().code, spot::Errc::bad_argument);
  EXPECT_EQ(query(at("echo"), std::string(kMaxMessage + 1, 'x')).error().code, spot::Errc::too_large);
  settle();
  EXPECT_EQ(relay_->messages.size(), before);
}

TEST_F(ControlPeersTest, NoSuchEndpointIsAnAnswerOfThePeerAndAnUnknownTargetIsNone) {
  for (const std::string& address : {at("none"), std::string{"@/none"}}) {
    const auto answer = query(address, "");
    ASSERT_FALSE(answer);
    EXPECT_EQ(errno_name(answer.error().code), "EREMOTEIO") << address;
    EXPECT_THAT(sentence_of(answer.error()), HasSubstr("no such endpoint"));
  }
  const auto unknown = query(spot::identity_target(spot::Sha256{9}) + "/none", "");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(errno_name(unknown.error().code), "EHOSTUNREACH");
}

TEST_F(ControlPeersTest, AQueryWithoutAnAnswerHasAnUnknownOutcome) {
  relay_->route = [](const spot::Message&) { return std::optional<spot::Message>{}; };
  const auto answer = run(ask_query(client_, at("echo"), {}, std::chrono::milliseconds{50}));
  ASSERT_FALSE(answer);
  EXPECT_EQ(errno_name(answer.error().code), "ETIMEDOUT");
  EXPECT_THAT(sentence_of(answer.error()), HasSubstr("outcome is unknown"));
}

TEST_F(ControlPeersTest, WhatIsSentReachesItsEndpoint) {
  std::string from, body;
  peer_->set_handler("inbox", [&](spot::Incoming message) -> asio::awaitable<spot::HandlerResult> {
    from = message.sender;
    body = spot::to_string(message.body);
    co_return spot::HandlerResult{std::optional<Bytes>{}};
  });
  EXPECT_EQ(text_of(run(ask_send(client_, at("inbox"), spot::to_bytes("news"), "me")).value(), "event"), "sent");
  settle();
  EXPECT_EQ(body, "news");
  EXPECT_EQ(from, client_->target_id() + "/me");
}

TEST_F(ControlPeersTest, AGroupHasItsMembersByItsKey) {
  const Bytes key = new_keys()->self().public_key().pkix();
  relay_->groups[key] = {spot::Sha256{2}, spot::Sha256{1}};
  const json::object line = run(ask_group(client_, spot::base64url(key))).value();
  EXPECT_EQ(text_of(line, "event"), "group");
  EXPECT_EQ(text_of(line, "group"), spot::base64url(key));
  const json::array members{spot::identity_target(spot::Sha256{1}), spot::identity_target(spot::Sha256{2})};
  EXPECT_EQ(line.at("members").as_array(), members);
  const Bytes other = new_keys()->self().public_key().pkix();
  EXPECT_TRUE(run(ask_group(client_, spot::base64url(other))).value().at("members").as_array().empty());
  for (const std::string& bad : {std::string{}, std::string{"x"}, "g." + spot::base64url(spot::Sha256{1})})
    EXPECT_THAT(run(ask_group(client_, bad)).error().text, HasSubstr("is no key of a group")) << bad;
}

TEST_F(ControlPeersTest, APingTellsHowLongItTook) {
  for (const std::string& address : {peer_->target_id(), std::string{"@"}}) {
    const json::object line = run(ask_ping(client_, address, std::chrono::seconds{30}, clock_)).value();
    EXPECT_EQ(text_of(line, "event"), "pong");
    EXPECT_GE(line.at("milliseconds").as_double(), 0.0);
  }
}

TEST_F(ControlPeersTest, TheTimeIsTheRelays) {
  const json::object line = run(ask_time(client_, clock_)).value();
  EXPECT_THAT(text_of(line, "time"), EndsWith("Z"));
  EXPECT_GT(line.at("seconds").as_double(), 1e9);
  EXPECT_TRUE(line.contains("offset_ms"));
}

TEST_F(ControlPeersTest, WhatACardSaysIsMadePrintable) {
  spot::ClientOptions options;
  options.meta = {{"name", kHostile.substr(0, 3'000)}, {"a\nb", "x"}};
  const auto other = online(std::move(options));
  const json::object line = run(ask_card(client_, other->target_id())).value();
  EXPECT_EQ(text_of(line, "address"), other->target_id());
  const json::object& meta = line.at("meta").as_object();
  const std::string name = text_of(meta, "name");
  EXPECT_LT(name.size(), 1'100U);
  EXPECT_EQ(name.find_first_of("\x1b\n\x07"), name.npos);
  EXPECT_TRUE(meta.contains("a\\x0ab"));
  EXPECT_EQ(run(ask_card(client_, "@")).error().code, spot::Errc::bad_argument);
}

}  // namespace
}  // namespace spotfs::tree
