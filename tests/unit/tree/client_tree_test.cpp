// self/ and endpoints/ of a real client, on a relay in the test's hands.
#include <gmock/gmock.h>

#include "client/base/encoding.hpp"
#include "client/proto/address.hpp"
#include "fs/tree/endpoints/endpoints.hpp"
#include "fs/tree/self/self.hpp"
#include "tests/unit/tree/client_tree_fixture.hpp"

namespace spotfs::tree {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class ClientTreeTest : public ClientTreeFixture {
 protected:
  std::string read(const NodePtr& file) {
    const Result<Opened> opened = run(file->open(user(), O_RDONLY));
    if (!opened) return "(" + opened.error().message() + ")";
    const Result<Content> content = run(opened->file->read(user(), 0, 1 << 20));
    return spot::to_string(content.value().bytes());
  }
  NodePtr endpoints_of(const std::shared_ptr<spot::Client>& client) {
    EndpointsOptions options;
    options.query = [client](std::string target, Bytes body, std::chrono::milliseconds timeout) {
      return client->query(std::move(target), std::move(body), timeout);
    };
    options.executor = context_.get_executor();
    options.self = client->target_id();
    options.access = access();
    return make_endpoints(std::move(options));
  }
  void ask(const NodePtr& endpoint, std::string_view body) {
    const Opened opened = run(node(endpoint, "request")->open(user(), O_WRONLY)).value();
    EXPECT_TRUE(run(opened.file->write(user(), Write{0, spot::to_bytes(body)})));
    static_cast<void>(run(opened.file->fsync(user(), false)));  // the outcome is in `reply`
    run(opened.file->release(user()));
  }
};

TEST_F(ClientTreeTest, IdIsTheAddressAndANewline) {
  const auto client = online();
  EXPECT_EQ(read(node(make_self(client, access()), "id")), client->target_id() + "\n");
}

TEST_F(ClientTreeTest, CardLoadsAsThatOfThisIdentity) {
  const auto client = online();
  const std::string card = read(node(make_self(client, access()), "card"));
  EXPECT_TRUE(spot::IdCard::load_for(spot::view(card), hash_of(*client), client->id_card().issued()));
}

TEST_F(ClientTreeTest, CardIsShownAsJson) {
  const auto client = online();
  const std::string json = read(node(make_self(client, access()), "card.json"));
  EXPECT_THAT(json, StartsWith("{\"address\":\"" + client->target_id() + "\""));
  EXPECT_THAT(json, HasSubstr("\"purposes\":[\"decrypt\",\"sign\"]"));
}

TEST_F(ClientTreeTest, PublicKeyIsPem) {
  const auto client = online();
  std::string pem = read(node(make_self(client, access()), "public.pem"));
  EXPECT_THAT(pem, StartsWith("-----BEGIN PUBLIC KEY-----\nM"));
  std::string text;
  for (std::size_t at = pem.find('\n') + 1; pem[at] != '-'; ++at) {
    if (pem[at] != '\n') text.push_back(pem[at]);
  }
  EXPECT_EQ(spot::from_any_base64(text).value(), client->keys().self().public_key().pkix());
}

TEST_F(ClientTreeTest, PeerAnswersARequest) {
  const auto client = online(), peer = online();
  spot::Recorder recorder;
  peer->set_handler("test", recorder.handler("hello"));
  const NodePtr endpoint = node(node(endpoints_of(client), peer->target_id()), "test");
  ask(endpoint, "hi");
  ASSERT_EQ(recorder.received.size(), 1U);
  EXPECT_EQ(spot::to_string(recorder.received[0].body), "hi");
  EXPECT_TRUE(recorder.received[0].verified);
  EXPECT_EQ(read(node(endpoint, "reply")), "hello");
}

TEST_F(ClientTreeTest, ServerTellsTheTime) {
  const NodePtr endpoint = node(node(endpoints_of(online()), "@"), "time");
  ask(endpoint, "x");
  EXPECT_EQ(read(node(endpoint, "reply")).size(), 12U);
}

TEST_F(ClientTreeTest, PeerThatNobodyKnowsIsUnreachable) {
  const NodePtr endpoint = node(node(endpoints_of(online()), spot::identity_target(spot::Sha256{9})), "test");
  ask(endpoint, "hi");
  EXPECT_EQ(run(node(endpoint, "reply")->open(user(), O_RDONLY)).error(), spot::Errc::card_unknown);
  EXPECT_THAT(read(node(endpoint, "error")), HasSubstr(" EHOSTUNREACH "));
}

}  // namespace
}  // namespace spotfs::tree
