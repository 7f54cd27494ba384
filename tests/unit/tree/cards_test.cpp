// cards/ of a real client, on a relay in the test's hands.
#include "fs/tree/cards/cards.hpp"

#include "client/proto/address.hpp"
#include "fs/tree/self/self.hpp"
#include "tests/unit/tree/client_tree_fixture.hpp"
#include "tests/unit/tree/tree_fixture.hpp"

namespace spotfs::tree {
namespace {

using testing::UnorderedElementsAre;

class CardsTest : public ClientTreeFixture {
 protected:
  Result<Entry> lookup(const std::string& name, Caller caller = user()) { return run(cards_->lookup(caller, name)); }
  NodePtr node(const std::string& name) { return ClientTreeFixture::node(cards_, name); }
  Attributes stat(const NodePtr& node) { return run(node->attributes(user())).value(); }
  // What the kernel does at an open by name: after ESTALE it looks once more.
  Result<std::string> cat(const std::string& name) {
    Result<Opened> opened = run(node(name)->open(user(), O_RDONLY));
    if (!opened && errno_of(opened) == ESTALE) opened = run(node(name)->open(user(), O_RDONLY));
    if (!opened) return opened.error();
    const Result<Content> content = run(opened->file->read(user(), 0, 1 << 20));
    return spot::to_string(content.value().bytes());
  }
  std::vector<std::string> names() { return ClientTreeFixture::names(cards_); }
  std::size_t asked() const { return ClientTreeFixture::asked("@/idcard_find"); }
  // Nothing that is asked for a card comes back.
  void withhold() {
    relay_->answer = [](const spot::Message& question, spot::Message answer) {
      return question.recipient == "@/idcard_find" ? std::nullopt : std::optional{std::move(answer)};
    };
  }

  const std::shared_ptr<spot::Client> client_ = online(), peer_ = online();
  const NodePtr cards_ = make_cards(client_, access());
  const std::string name_ = peer_->target_id();
};

TEST_F(CardsTest, OpeningOneAsksForItAndNeverAgain) {
  EXPECT_EQ(cat(name_).value(), spot::to_string(peer_->id_card_bin()));
  EXPECT_EQ(asked(), 1U);
  EXPECT_EQ(cat(name_).value(), spot::to_string(peer_->id_card_bin()));
  EXPECT_EQ(asked(), 1U);
}

TEST_F(CardsTest, ForgottenOneIsAskedForAgain) {
  ASSERT_TRUE(cat(name_));
  client_->forget_card(hash_of(*peer_));
  EXPECT_EQ(cat(name_).value(), spot::to_string(peer_->id_card_bin()));
  EXPECT_EQ(asked(), 2U);
}

TEST_F(CardsTest, JsonIsWhatTheCardSays) { EXPECT_EQ(cat(name_ + ".json").value(), card_json(peer_->id_card())); }

TEST_F(CardsTest, OpenedFileHasItsExactSizeAndTheNumberThatItHadBefore) {
  const std::uint64_t before = stat(node(name_)).inode;
  ASSERT_TRUE(cat(name_));
  EXPECT_EQ(stat(node(name_)).size, peer_->id_card_bin().size());
  EXPECT_EQ(stat(node(name_)).inode, before);
  EXPECT_NE(stat(node(name_ + ".json")).inode, before);
  EXPECT_EQ(stat(node(name_ + ".json")).size, card_json(peer_->id_card()).size());
  EXPECT_EQ(stat(node(name_)).mode, static_cast<mode_t>(S_IFREG | 0400));
}

TEST_F(CardsTest, StatOfAnUnknownOneAsksNothing) {
  EXPECT_EQ(stat(node(name_)).size, 0U);
  EXPECT_EQ(asked(), 0U);
}

TEST_F(CardsTest, NamesThatAreNoAddressesAreMissing) {
  for (const std::string& name :
       {std::string{"k.short"}, std::string{"@"}, std::string{"x"}, "g" + name_.substr(1), name_ + ".txt",
        name_ + ".json.json", "k.relay." + name_.substr(2), std::string{".json"}})
    EXPECT_EQ(errno_of(lookup(name)), ENOENT) << name;
  EXPECT_EQ(asked(), 0U);
}

TEST_F(CardsTest, ListingHasOnesOwnAndThoseThatWereMet) {
  const std::string own = client_->target_id();
  EXPECT_THAT(names(), UnorderedElementsAre(own, own + ".json"));
  ASSERT_TRUE(run(client_->query(name_ + "/ping", spot::to_bytes("x"))));
  EXPECT_THAT(names(), UnorderedElementsAre(own, own + ".json", name_, name_ + ".json"));
}

TEST_F(CardsTest, WhatIsListedIsReadWithoutAskingAnyone) {
  ASSERT_TRUE(run(client_->query(name_ + "/ping", spot::to_bytes("x"))));
  const std::size_t before = relay_->messages.size();
  for (const std::string& name : names()) EXPECT_TRUE(cat(name)) << name;
  EXPECT_EQ(relay_->messages.size(), before);
}

TEST_F(CardsTest, OneThatChangesIsReadAnewAndAnOpenFileStaysWhatItWas) {
  ASSERT_TRUE(cat(name_));
  const NodePtr old = node(name_);
  const Opened opened = run(old->open(user(), O_RDONLY)).value();
  const std::string before = cat(name_).value();

  spot::IdCard next = peer_->id_card();
  next.meta()["name"] = "another";
  spot::Message update;
  update.id = spot::random_uuid();
  update.flags = spot::flag::not_bottle;
  update.sender = "@/idcard_update";
  update.recipient = "c.fake.1/idcard_update";
  update.body = next.sign(peer_->keys().self()).value();
  relay_->send(hash_of(*client_), update);
  settle();

  EXPECT_EQ(cat(name_).value(), spot::to_string(update.body));
  EXPECT_NE(node(name_), old);
  EXPECT_EQ(spot::to_string(run(opened.file->read(user(), 0, 1 << 20)).value().bytes()), before);
}

TEST_F(CardsTest, CardOfSomeoneElseIsRefused) {
  relay_->cards[hash_of(*peer_)] = client_->id_card_bin();
  EXPECT_EQ(errno_of(cat(name_)), EBADMSG);
  EXPECT_THAT(names(), testing::Not(testing::Contains(name_)));
}

TEST_F(CardsTest, SomeoneWhomNobodyKnowsIsUnreachable) {
  EXPECT_EQ(errno_of(cat(spot::identity_target(spot::Sha256{9}))), EHOSTUNREACH);
}

TEST_F(CardsTest, LookUpIsRepeatedWhereTheConnectionIsLost) {
  bool lost = false;
  relay_->answer = [&](const spot::Message& question, spot::Message answer) -> std::optional<spot::Message> {
    if (question.recipient != "@/idcard_find" || std::exchange(lost, true)) return answer;
    relay_->drop_connections();
    return std::nullopt;
  };
  // Without a connection it would wait no longer than the grace; the first new try is as fast as can be.
  client_->on_online([weak = std::weak_ptr{client_}](bool is_online) {
    const auto client = weak.lock();
    if (client && !is_online) client->reconnect();
  });
  EXPECT_TRUE(cat(name_));
  EXPECT_EQ(asked(), 2U);
}

TEST_F(CardsTest, SignalThatItsCallerHandlesEndsTheWaitAtOnce) {
  withhold();
  const NodePtr file = node(name_);
  Pending<Result<Opened>> pending{context_, file->open(user(), O_RDONLY)};
  settle();
  ASSERT_FALSE(pending.done());
  pending.signal();
  settle();
  ASSERT_TRUE(pending.done());
  EXPECT_EQ(errno_of(pending.get()), EINTR);
}

TEST_F(CardsTest, OpenByADescriptorWorksOnceTheCardIsKnown) {
  const NodePtr unknown = node(name_);
  EXPECT_EQ(errno_of(run(unknown->open(user(), O_RDONLY))), ESTALE);
  const Result<Opened> again = run(unknown->open(user(), O_RDONLY));
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->direct_io);
}

TEST_F(CardsTest, NobodyElseSeesThem) {
  EXPECT_EQ(errno_of(lookup(name_, user(1001))), EACCES);
  EXPECT_EQ(errno_of(run(cards_->open_directory(user(1001)))), EACCES);
  EXPECT_EQ(errno_of(run(node(name_)->open(user(1001), O_RDONLY))), EACCES);
  EXPECT_EQ(errno_of(run(node(name_)->open(user(), O_WRONLY))), EACCES);
}

TEST_F(CardsTest, JsonHasNoControlCharacters) {
  spot::IdCard card = peer_->id_card();
  card.meta()["name"] =
      "\x1b[31m\x7f\xc2\x9b"
      "2J\n\xc3\xa9";
  EXPECT_THAT(card_json(card), testing::HasSubstr(R"("\u001b[31m\u007f\u009b2J\n)"
                                                  "\xc3\xa9\""));
}

}  // namespace
}  // namespace spotfs::tree
