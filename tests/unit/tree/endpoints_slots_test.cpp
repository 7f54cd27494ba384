// Private slots, and what is kept for all users together.
#include "fs/tree/endpoints/hub.hpp"
#include "tests/unit/tree/endpoints_fixture.hpp"

namespace spotfs::tree {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class SlotsTest : public EndpointsTest {
 protected:
  Result<Entry> make_slot(const std::string& name, Caller caller = user()) {
    return run(endpoint()->make_directory(caller, name, 0755));
  }
  int remove_slot(const std::string& name, Caller caller = user()) {
    return errno_of(run(endpoint()->remove_directory(caller, name)));
  }
  NodePtr slot(const std::string& name, Caller caller = user()) { return node(endpoint(), name, caller); }
};

TEST_F(SlotsTest, SlotHasARequestReplyAndErrorOfItsOwn) {
  const NodePtr made = make_slot("x")->node;
  EXPECT_EQ(made, slot("x"));
  EXPECT_THAT(names(made), ElementsAre("error", "reply", "request"));
  EXPECT_EQ(stat(made).mode, static_cast<mode_t>(S_IFDIR | 0700));
  EXPECT_EQ(ask(made, "in the slot"), 0);
  EXPECT_EQ(asked_[0].target, peer_ + "/test");
  EXPECT_EQ(errno_of(cat(endpoint(), "reply")), ENODATA);
  ask(endpoint(), "outside");
  EXPECT_EQ(cat(made, "reply").value(), "answer to in the slot");
  EXPECT_EQ(cat(endpoint(), "reply").value(), "answer to outside");
}

TEST_F(SlotsTest, OpenInASlotDoesNotWaitForQueriesOfAnother) {
  make_slot("x");
  make_slot("y");
  ask(slot("y"), "first");
  const auto file = request(slot("x"));
  write(*file, 0, "held");
  hold();
  auto closing = begin(file->flush(user()));
  settle();
  EXPECT_EQ(cat(slot("y"), "reply").value(), "answer to first");
  EXPECT_EQ(errno_of(cat(endpoint(), "reply")), ENODATA);
  answer();
  finish(closing);
  EXPECT_EQ(cat(slot("x"), "reply").value(), "answer to held");
}

TEST_F(SlotsTest, SlotsAreListedForTheirOwner) {
  options_.peers = 50;
  make();
  make_slot("x");
  make_slot("a");
  EXPECT_THAT(names(endpoint()), ElementsAre("a", "error", "reply", "request", "x"));
  EXPECT_THAT(names(endpoint(), Caller{1001, 50, 9, 022}), ElementsAre("error", "reply", "request"));
}

TEST_F(SlotsTest, ASlotThatGoesDuringAListingIsNotListed) {
  // Attributes are made during the listing, and have the time.
  struct Watched final : spot::Clock {
    Wall wall() const override {
      if (then) std::exchange(then, {})();
      return {};
    }
    Steady steady() const override { return {}; }
    mutable std::function<void()> then;
  };
  Watched clock;
  options_.clock = &clock;
  const NodePtr directory = endpoint();
  make_slot("x");
  clock.then = [&] {
    asio::io_context other;
    auto removed = asio::co_spawn(other, directory->remove_directory(user(), "x"), asio::use_future);
    other.run();
    EXPECT_EQ(errno_of(removed.get()), 0);
  };
  EXPECT_THAT(names(directory), ElementsAre("error", "reply", "request"));
  EXPECT_FALSE(clock.then);
}

TEST_F(SlotsTest, RemovedSlotIsGoneAndANewOneOfThatNameIsEmpty) {
  make_slot("x");
  ask(slot("x"), "one");
  EXPECT_EQ(remove_slot("x"), 0);
  EXPECT_EQ(errno_of(lookup(endpoint(), "x")), ENOENT);
  EXPECT_EQ(remove_slot("x"), ENOENT);
  make_slot("x");
  EXPECT_EQ(errno_of(cat(slot("x"), "reply")), ENODATA);
}

TEST_F(SlotsTest, AnswerThatComesAfterTheEndOfItsSlotIsNotTheNextOnes) {
  make_slot("x");
  const auto file = request(slot("x"));
  write(*file, 0, "old");
  hold();
  auto closing = begin(file->flush(user()));
  settle();
  remove_slot("x");
  make_slot("x");
  answer();
  finish(closing);
  EXPECT_EQ(errno_of(cat(slot("x"), "reply")), ENODATA);
}

TEST_F(SlotsTest, NamesThatAreTakenAreRefused) {
  make_slot("x");
  for (const char* name : {"x", "request", "reply", "error", "call", "send"})
    EXPECT_EQ(errno_of(make_slot(name)), EEXIST) << name;
  EXPECT_EQ(remove_slot("request"), ENOTDIR);
}

TEST_F(SlotsTest, SlotIsForItsOwnerAlone) {
  options_.peers = 50;
  make();
  const Caller member{1001, 50, 9, 022}, root{0, 0, 10, 022};
  make_slot("x");
  ask(slot("x"), "secret");
  EXPECT_EQ(errno_of(run(endpoint()->lookup(member, "x"))), EACCES);
  EXPECT_EQ(remove_slot("x", member), EACCES);
  EXPECT_EQ(errno_of(make_slot("x", member)), EEXIST);
  EXPECT_EQ(errno_of(run(endpoint()->lookup(root, "x"))), EACCES);
  EXPECT_EQ(errno_of(run(slot("x")->lookup(root, "reply"))), EACCES);
  EXPECT_EQ(errno_of(make_slot("own", member)), 0);
  EXPECT_EQ(stat(slot("own", member)).uid, 1001U);
  EXPECT_EQ(ask(slot("own", member), "mine", member), 0);
  EXPECT_EQ(cat(slot("own", member), "reply", member).value(), "answer to mine");
}

TEST_F(SlotsTest, StrangersMakeNone) { EXPECT_EQ(errno_of(make_slot("x", user(1001))), EACCES); }

TEST_F(SlotsTest, EachUserHasABoundedNumber) {
  options_.peers = 50;
  make();
  for (std::size_t i = 0; i < Slots::kMostOfUser; ++i) ASSERT_EQ(errno_of(make_slot("s" + std::to_string(i))), 0);
  EXPECT_EQ(errno_of(make_slot("one-more")), EDQUOT);
  EXPECT_EQ(errno_of(make_slot("other", Caller{1001, 50, 9, 022})), 0);
  EXPECT_EQ(remove_slot("s0"), 0);
  EXPECT_EQ(errno_of(make_slot("one-more")), 0);
}

class RoomTest : public EndpointsTest {
 protected:
  static constexpr std::size_t kBody = 65'000;
};

TEST_F(RoomTest, QueriesThatNobodyAnswersTakeABoundedAmountOfMemory) {
  make();
  hold();
  int wrong = 0;
  std::size_t taken = 0;
  while (wrong == 0 && taken <= kRoom / kBody) {
    const auto file = request(endpoint());
    flush(*file);  // a redirect: sent at its release, which is answered at once
    wrong = errno_of(write(*file, 0, std::string(kBody, 'x')));
    release(*file);
    if (wrong == 0) ++taken;
  }
  EXPECT_EQ(wrong, ENOBUFS);
  EXPECT_GT(taken, 1'000U);
  EXPECT_EQ(asked_.size(), taken);
  answer();
  settle();
  EXPECT_EQ(ask(endpoint(), std::string(kBody, 'x')), 0);  // the room is free again
}

TEST_F(RoomTest, RepliesThatAreKeptOpenTakeABoundedAmountOfMemory) {
  make();
  std::vector<std::shared_ptr<OpenFile>> kept;
  int wrong = 0;
  while (wrong == 0 && kept.size() <= kRoom / kBody) {
    answers_ = {std::string(kBody, 'x')};
    ask(endpoint(), "x");
    const auto opened = open_name(endpoint(), "reply");
    wrong = errno_of(opened);
    if (wrong == 0) kept.push_back(*opened);
  }
  EXPECT_EQ(wrong, ENOBUFS);
  EXPECT_THAT(cat(endpoint(), "error").value(), HasSubstr("kept open"));
  kept.clear();
  ask(endpoint(), "again");
  EXPECT_EQ(cat(endpoint(), "reply").value(), "answer to again");
}

TEST_F(RoomTest, NodeOfAReplyThatWasForgottenKeepsNothing) {
  make();
  ask(endpoint(), "first");
  const NodePtr old = node(endpoint(), "reply");
  for (int i = 0; i < 300; ++i) {
    answers_ = {std::string(kBody, 'x')};
    ask(endpoint("@", "e" + std::to_string(i)), "x");
  }
  EXPECT_EQ(errno_of(open(old, O_RDONLY)), ESTALE);
  EXPECT_EQ(errno_of(cat(endpoint(), "reply")), ENODATA);
}

TEST_F(RoomTest, ReleaseIsAnsweredWhileItsQueryIsUnderWay) {
  const auto file = request(endpoint());
  flush(*file);
  write(*file, 0, "a");
  hold();
  auto releasing = begin(file->release(user()));
  settle();
  EXPECT_TRUE(releasing.done());
  EXPECT_EQ(asked_.size(), 1U);
  const NodePtr none = node(endpoint(), "reply");
  auto opening = begin(none->open(user(), O_RDONLY));
  settle();
  EXPECT_FALSE(opening.done());
  answer();
  EXPECT_EQ(errno_of(finish(opening)), ESTALE);
  EXPECT_EQ(cat(endpoint(), "reply").value(), "answer to a");
}

}  // namespace
}  // namespace spotfs::tree
