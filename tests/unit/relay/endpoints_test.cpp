// The endpoints of the relay itself, as a client sees them.
#include <gmock/gmock.h>

#include "client/bottle/bottle.hpp"
#include "client/bottle/cbor.hpp"
#include "tests/unit/relay/relay_fixture.hpp"

namespace spot::relay {
namespace {

constexpr std::uint64_t kAnswer = flag::response | flag::not_bottle;

Bytes stores(std::string_view key, std::size_t value_size) {
  Bytes body = to_bytes(key);
  body.push_back(0);
  body.resize(body.size() + value_size, 0x5A);
  return body;
}

class EndpointTest : public RelayTest {
 protected:
  static void expect_error(const Message& answer, std::string_view text) {
    EXPECT_EQ(answer.flags, kAnswer | flag::error);
    EXPECT_EQ(as_text(answer.body), text);
  }
  static void expect_answer(const Message& answer, std::size_t size) {
    EXPECT_EQ(answer.flags, kAnswer) << as_text(answer.body);
    EXPECT_EQ(answer.body.size(), size);
  }
};

TEST_F(EndpointTest, AnswersFromTheEndpointToTheConnection) {
  open();
  const auto guest = enter();
  const Message answer = guest->ask("version", {});
  EXPECT_EQ(answer.sender, "@/version");
  EXPECT_EQ(answer.recipient, guest->connection + "/answer");
  EXPECT_EQ(as_text(answer.body), "spot-relay/" SPOTFS_VERSION);
}

TEST_F(EndpointTest, TellsTheTimeInTwelveBytes) {
  RelayOptions options;
  options.clock = &clock_;
  clock_.now = Clock::Wall{std::chrono::seconds{0x1'0000'0001} + std::chrono::nanoseconds{0x0A0B0C0D}};
  open(options);
  // The card is from the machine's clock, which this one is far ahead of.
  EXPECT_EQ(hex(enter()->ask("time", {}).body), "00000001000000010a0b0c0d");
}

TEST_F(EndpointTest, ReadsTheQuestionOfTheGoClient) {
  open();
  const auto guest = enter();
  Message question;
  question.id = random_uuid();
  question.recipient = "@/time";
  question.sender = "/answer";
  question.body = from_hex("85a0f600f6f6").value();  // null for an empty message
  guest->send(question);
  expect_answer(guest->receive(), 12);
}

TEST_F(EndpointTest, TakesAQuestionOutOfItsBottles) {
  open();
  const auto guest = enter();
  ASSERT_EQ(guest->ask("store_blob", stores("key", 3)).flags, kAnswer);
  Bottle inner, outer;
  inner.message = to_bytes("key");
  outer.message = encode_bottle(inner);
  outer.format = Format::bottle;
  Message question;
  question.recipient = "@/fetch_blob";
  question.sender = "/answer";
  question.body = encode_bottle(outer);
  guest->send(question);
  expect_answer(guest->receive(), 3);
}

TEST_F(EndpointTest, RefusesAQuestionThatIsNoBottle) {
  open();
  const auto guest = enter();
  Message question;
  question.recipient = "@/fetch_blob";
  question.sender = "/answer";
  question.body = to_bytes("key");
  guest->send(question);
  expect_error(guest->receive(), "bad request");
}

TEST_F(EndpointTest, SaysThatThereIsNoSuchEndpoint) {
  open();
  const auto guest = enter();
  const Message answer = guest->ask("nothing", {});
  expect_error(answer, "no such endpoint");
  EXPECT_EQ(answer.sender, "@/nothing");
}

TEST_F(EndpointTest, StoresFetchesAndErases) {
  open();
  const auto guest = enter();
  expect_answer(guest->ask("store_blob", stores("key", 5)), 0);
  EXPECT_EQ(guest->ask("fetch_blob", to_bytes("key")).body, Bytes(5, 0x5A));
  expect_answer(guest->ask("store_blob", stores("key", 0)), 0);
  expect_error(guest->ask("fetch_blob", to_bytes("key")), "blob not found");
}

TEST_F(EndpointTest, KeepsTheBlobsOfIdentitiesApart) {
  open();
  const auto a = enter(), b = enter();
  a->ask("store_blob", stores("key", 5));
  expect_error(b->ask("fetch_blob", to_bytes("key")), "blob not found");
}

TEST_F(EndpointTest, BoundsABlob) {
  open();
  const auto guest = enter();
  expect_answer(guest->ask("store_blob", stores("key", 49'152)), 0);
  expect_error(guest->ask("store_blob", stores("key", 49'153)), "too large");
  expect_answer(guest->ask("fetch_blob", to_bytes("key")), 49'152);
}

TEST_F(EndpointTest, BoundsAKey) {
  open();
  const auto guest = enter();
  const std::string longest(1'024, 'k');
  expect_answer(guest->ask("store_blob", stores(longest, 1)), 0);
  expect_answer(guest->ask("fetch_blob", to_bytes(longest)), 1);
  expect_error(guest->ask("store_blob", stores(longest + 'k', 1)), "too large");
  expect_error(guest->ask("fetch_blob", to_bytes(longest + 'k')), "too large");
}

TEST_F(EndpointTest, RefusesAStoreWithoutAKey) {
  open();
  const auto guest = enter();
  expect_error(guest->ask("store_blob", to_bytes("no end of a key")), "bad request");
  expect_error(guest->ask("store_blob", stores("", 3)), "bad request");
  expect_error(guest->ask("store_blob", {}), "bad request");
}

TEST_F(EndpointTest, SaysThatAQuotaIsUsedUp) {
  RelayOptions options;
  options.quota.per_identity = 1'000;
  open(options);
  const auto a = enter(), b = enter();
  expect_answer(a->ask("store_blob", stores("a", 800)), 0);
  expect_error(a->ask("store_blob", stores("b", 800)), "quota exceeded");
  expect_answer(b->ask("store_blob", stores("b", 800)), 0);
}

TEST_F(EndpointTest, FindsACard) {
  open();
  const auto keys = new_keys();
  const auto a = enter(), b = enter(keys, 1'000);
  const Message answer = a->ask("idcard_find", to_bytes(hash_of(*keys)));
  EXPECT_EQ(answer.flags, kAnswer);
  EXPECT_EQ(IdCard::load_for(answer.body, hash_of(*keys), 1'000)->issued(), 1'000);
  expect_error(a->ask("idcard_find", Bytes(32, 1)), "card not found");
  expect_error(a->ask("idcard_find", Bytes(31, 1)), "bad request");
}

TEST_F(EndpointTest, TellsOfANewCardToThoseWhoAskedForIt) {
  open();
  const auto keys = new_keys();
  const auto asked = enter(), other = enter();
  enter(keys, 1'000);
  asked->ask("idcard_find", to_bytes(hash_of(*keys)));
  enter(keys, 2'000);
  const Message update = asked->receive();
  EXPECT_EQ(update.flags, flag::not_bottle);
  EXPECT_EQ(update.recipient, asked->connection + "/idcard_update");
  EXPECT_EQ(IdCard::load_for(update.body, hash_of(*keys), 2'000)->issued(), 2'000);
  EXPECT_TRUE(other->is_still_connected());
}

TEST_F(EndpointTest, TellsNothingOfAnOlderCard) {
  open();
  const auto keys = new_keys();
  const auto asked = enter();
  enter(keys, 2'000);
  asked->ask("idcard_find", to_bytes(hash_of(*keys)));
  enter(keys, 1'000);
  EXPECT_TRUE(asked->is_still_connected());
  const auto kept = run(relay_->database().find_card(hash_of(*keys)));
  EXPECT_EQ(IdCard::load_for(*kept, hash_of(*keys), 2'000)->issued(), 2'000);
}

TEST_F(EndpointTest, ForgetsTheSubscriptionUsedLongestAgo) {
  RelayOptions options;
  options.limits.subscriptions = 2;
  open(options);
  const auto asked = enter();
  const auto first = new_keys(), second = new_keys(), third = new_keys();
  for (const auto& keys : {first, second, first, third}) {
    enter(keys, 1'000);
    asked->ask("idcard_find", to_bytes(hash_of(*keys)));
  }
  for (const auto& keys : {second, first, third}) enter(keys, 2'000);
  const auto told = [&] { return sha256(IdCard::load(asked->receive().body, 2'000)->self()); };
  EXPECT_EQ(told(), hash_of(*first));
  EXPECT_EQ(told(), hash_of(*third));
}

TEST_F(EndpointTest, ListsAGroupByItsKey) {
  open();
  const auto guest = enter();
  const Bytes group = to_bytes("the group's key");
  ASSERT_TRUE(run(relay_->database().store_membership({sha256(group), identity(1), true, 1, Bytes{1}})));
  ASSERT_TRUE(run(relay_->database().store_membership({sha256(group), identity(2), false, 1, Bytes{1}})));
  EXPECT_EQ(guest->ask("group_list", group).body, to_bytes(identity(1)));
  expect_answer(guest->ask("group_list", to_bytes("another")), 0);
}

TEST_F(EndpointTest, AnswersASyncWithTheIdOfItsRun) {
  open();
  const Bytes first = enter()->ask("blob_sync", {}).body;
  EXPECT_EQ(first.size(), 16U);
  EXPECT_EQ(enter()->ask("blob_sync", {}).body, first);
  open();
  EXPECT_NE(enter()->ask("blob_sync", {}).body, first);
}

}  // namespace
}  // namespace spot::relay
