// groups/ of a real client, on a relay in the test's hands.
#include "fs/tree/groups/groups.hpp"

#include "client/base/encoding.hpp"
#include "client/proto/address.hpp"
#include "tests/unit/tree/client_tree_fixture.hpp"
#include "tests/unit/tree/tree_fixture.hpp"

namespace spotfs::tree {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class GroupsTest : public ClientTreeFixture {
 protected:
  GroupsTest() { relay_->groups[key_] = {spot::Sha256{1}, spot::Sha256{2}}; }

  NodePtr group() { return node(groups_, name_); }
  // As ls does it.
  std::vector<std::string> names(const NodePtr& in) {
    EXPECT_TRUE(run(in->open_directory(user())));
    return ClientTreeFixture::names(in);
  }
  std::size_t asked() const { return ClientTreeFixture::asked("@/group_list"); }
  static std::string member(std::uint8_t number) { return spot::identity_target(spot::Sha256{number}); }

  FakeClock clock_;
  const std::shared_ptr<spot::Client> client_ = online();
  const NodePtr groups_ = make_groups(client_, access(), clock_);
  const Bytes key_ = new_keys()->self().public_key().pkix();
  const std::string name_ = spot::base64url(key_);
};

TEST_F(GroupsTest, MembersAreLinksIntoEndpoints) {
  const NodePtr directory = group();
  EXPECT_THAT(names(directory), ElementsAre(member(1), member(2)));
  const Entry entry = run(directory->lookup(user(), member(1))).value();
  EXPECT_TRUE(S_ISLNK(entry.attributes.mode));
  EXPECT_EQ(run(entry.node->read_link(user())).value(), "../../endpoints/" + member(1));
}

TEST_F(GroupsTest, GroupsAreNotListedAndWalkingIntoOneAsksNothing) {
  group();
  EXPECT_THAT(names(groups_), IsEmpty());
  EXPECT_EQ(asked(), 0U);
}

TEST_F(GroupsTest, NamesThatAreNoKeysAreMissing) {
  const std::string no_key = spot::base64url(spot::to_bytes("not a key"));
  for (const std::string& name : {std::string{"x"}, std::string{"a!b"}, no_key, name_ + "=", name_ + "A", "k." + name_})
    EXPECT_EQ(errno_of(run(groups_->lookup(user(), name))), ENOENT) << name;
  EXPECT_EQ(asked(), 0U);
}

TEST_F(GroupsTest, GroupThatTheRelayDoesNotKnowIsEmpty) {
  const std::string other = spot::base64url(new_keys()->self().public_key().pkix());
  EXPECT_THAT(names(run(groups_->lookup(user(), other)).value().node), IsEmpty());
}

TEST_F(GroupsTest, EachOpeningAsksAgain) {
  const NodePtr directory = group();
  names(directory);
  relay_->groups[key_] = {spot::Sha256{3}};
  EXPECT_THAT(names(directory), ElementsAre(member(3)));
  EXPECT_EQ(asked(), 2U);
  EXPECT_EQ(errno_of(run(directory->lookup(user(), member(1)))), ENOENT);
}

TEST_F(GroupsTest, NamesAreLookedUpInAnAnswerOfTheLastSecond) {
  const NodePtr directory = group();
  names(directory);
  for (const std::string& name : {member(1), member(2)}) EXPECT_TRUE(run(directory->lookup(user(), name)));
  EXPECT_EQ(asked(), 1U);
  clock_.pass(std::chrono::milliseconds{1'001});
  relay_->groups[key_] = {spot::Sha256{2}};
  EXPECT_EQ(errno_of(run(directory->lookup(user(), member(1)))), ENOENT);
  EXPECT_EQ(asked(), 2U);
}

TEST_F(GroupsTest, NameIsLookedUpWithoutAListing) {
  EXPECT_TRUE(run(group()->lookup(user(), member(2))));
  EXPECT_EQ(errno_of(run(group()->lookup(user(), member(9)))), ENOENT);
}

TEST_F(GroupsTest, NameThatIsNoAddressIsMissingWithoutAsking) {
  for (const char* name : {"x", "@", "k.short", ".git"})
    EXPECT_EQ(errno_of(run(group()->lookup(user(), name))), ENOENT) << name;
  EXPECT_EQ(asked(), 0U);
}

TEST_F(GroupsTest, SignalThatItsCallerHandlesEndsTheWaitAtOnce) {
  relay_->answer = [](const spot::Message&, spot::Message) { return std::nullopt; };
  const NodePtr directory = group();
  Pending<Result<void>> opening{context_, directory->open_directory(user())};
  Pending<Result<Entry>> looking{context_, directory->lookup(user(), member(1))};
  settle();
  ASSERT_FALSE(opening.done() || looking.done());
  opening.signal();
  looking.signal();
  settle();
  ASSERT_TRUE(opening.done() && looking.done());
  EXPECT_EQ(errno_of(opening.get()), EINTR);
  EXPECT_EQ(errno_of(looking.get()), EINTR);
}

TEST_F(GroupsTest, AnswerThatIsNoListIsRefused) {
  relay_->answer = [](const spot::Message&, spot::Message answer) {
    answer.body = spot::to_bytes("33 bytes are not a list of hashes");
    return std::optional{std::move(answer)};
  };
  EXPECT_EQ(errno_of(run(group()->open_directory(user()))), EBADMSG);
}

TEST_F(GroupsTest, NobodyElseMayLook) {
  EXPECT_EQ(errno_of(run(groups_->lookup(user(1001), name_))), EACCES);
  EXPECT_EQ(errno_of(run(group()->open_directory(user(1001)))), EACCES);
  EXPECT_EQ(errno_of(run(group()->lookup(user(1001), member(1)))), EACCES);
}

}  // namespace
}  // namespace spotfs::tree
