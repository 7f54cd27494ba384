// A relay inside the process, as `embedded:DIR` uses it: real clients reach it through its dialer.
#include <gmock/gmock.h>

#include "tests/unit/relay/relay_fixture.hpp"

namespace spot::relay {
namespace {

using std::chrono::seconds;

class EmbeddedRelay : public RelayTest {
 protected:
  Answer<void> store(Client& client, std::string key, std::string_view value) {
    return run(client.store_blob(std::move(key), to_bytes(value), Bytes{0xA0}));
  }
  Answer<Sealed> fetch(Client& client, std::string key) { return run(client.fetch_blob(std::move(key))); }
};

TEST_F(EmbeddedRelay, TellsTheTime) {
  open();
  const auto time = run(online()->get_time());
  ASSERT_TRUE(time);
  EXPECT_LT(std::chrono::abs(*time - Clock::system().wall()), seconds{10});
}

TEST_F(EmbeddedRelay, KeepsABlobUntilItIsDeleted) {
  open();
  const auto client = online();
  ASSERT_TRUE(store(*client, "key", "value"));
  EXPECT_EQ(as_text(fetch(*client, "key")->payload), "value");
  ASSERT_TRUE(run(client->delete_blob("key")));
  EXPECT_EQ(fetch(*client, "key").error().code, Errc::not_found);
}

TEST_F(EmbeddedRelay, BringsAQueryOfAClientToItself) {
  open();
  const auto client = online();
  const auto answer = run(client->query(client->target_id() + "/ping", to_bytes("echo")));
  ASSERT_TRUE(answer) << answer.error().text;
  EXPECT_EQ(as_text(*answer), "echo");
}

TEST_F(EmbeddedRelay, KeepsBlobsAcrossAStop) {
  open();
  const auto keys = new_keys();
  ASSERT_TRUE(store(*online(keys), "key", "value"));
  open();
  EXPECT_EQ(as_text(fetch(*online(keys), "key")->payload), "value");
}

TEST_F(EmbeddedRelay, SyncsWithTheSameRunUntilItIsStopped) {
  open();
  const auto keys = new_keys();
  const auto sync = [this](Client& client) {
    EXPECT_TRUE(store(client, "key", "value"));
    return run(client.sync_blobs()).value();
  };
  auto client = online(keys);
  const auto first = sync(*client);
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].size(), 16U);
  EXPECT_EQ(sync(*client), first);
  open();
  client = online(keys);
  EXPECT_NE(sync(*client), first);
}

TEST_F(EmbeddedRelay, ServesThoseOfItsListAlone) {
  const auto allowed = new_keys();
  RelayOptions options;
  options.allow = {hash_of(*allowed)};
  open(options);
  EXPECT_TRUE(run(online(allowed)->get_time()));

  const LogCapture log;
  const auto other = new_keys();
  const auto guest = arrive();
  const Bytes request = guest->receive_request();
  guest->send_packet(Guest::response(request, card_of(*other), other->self().public_key().pkix(), other->self()));
  EXPECT_EQ(guest->receive_packet().error(), Errc::connection_lost);
  EXPECT_EQ(guest->ending().code, 1008);
  EXPECT_TRUE(log.has("this identity is not allowed here: " + identity_target(hash_of(*other))));
}

TEST_F(EmbeddedRelay, SaysThatAnotherRelayUsesTheDirectory) {
  open();
  RelayOptions options;
  options.data = directory_.path / "relay";
  const auto second = Relay::open(context_.get_executor(), options);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, std::errc::device_or_resource_busy);
  EXPECT_EQ(second.error().text, options.data.string() + ": another relay uses this directory");
}

TEST_F(EmbeddedRelay, MakesItsDirectoryForItsOwnerAlone) {
  open();
  const auto permissions = std::filesystem::status(directory_.path / "relay").permissions();
  EXPECT_EQ(permissions, std::filesystem::perms::owner_all);
}

TEST_F(EmbeddedRelay, NamesTheDirectoryThatCannotBeUsed) {
  RelayOptions options;
  options.data = "/proc/none";
  const auto opened = Relay::open(context_.get_executor(), options);
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().text, testing::StartsWith("/proc/none: "));
}

TEST_F(EmbeddedRelay, EndsEverySessionWhenItStops) {
  open();
  const auto guest = enter();
  relay_->stop();
  EXPECT_EQ(guest->receive_packet().error(), Errc::connection_lost);
  EXPECT_EQ(guest->ending().code, 1001);
}

TEST_F(EmbeddedRelay, TakesNobodyAfterItsStop) {
  open();
  relay_->stop();
  const auto guest = arrive();
  EXPECT_EQ(guest->receive_packet().error(), Errc::connection_lost);
  EXPECT_EQ(guest->ending().code, 1013);
}

}  // namespace
}  // namespace spot::relay
