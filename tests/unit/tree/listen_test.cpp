// Names and permissions of listen/, and how messages are given out.
#include <boost/asio/detached.hpp>
#include <unistd.h>

#include "tests/unit/tree/listen_fixture.hpp"

namespace spotfs::tree {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

TEST_F(ListenTest, MakingADirectoryServesItsEndpointAndRemovingItEndsThat) {
  serve();
  EXPECT_TRUE(takers_.contains("test"));
  EXPECT_THAT(names(root_), ElementsAre("test"));
  EXPECT_EQ(errno_of(run(root_->make_directory(user(), "test", 0755))), EEXIST);
  EXPECT_EQ(errno_of(run(root_->remove_directory(user(), "test"))), 0);
  EXPECT_THAT(takers_, IsEmpty());
  EXPECT_THAT(names(root_), IsEmpty());
  EXPECT_EQ(errno_of(run(root_->remove_directory(user(), "test"))), ENOENT);
}

TEST_F(ListenTest, AnEndpointOfTheClientItselfIsBusy) {
  serve();
  EXPECT_EQ(errno_of(run(root_->make_directory(user(), "ping", 0755))), EBUSY);
  EXPECT_THAT(names(root_), ElementsAre("test"));
}

TEST_F(ListenTest, NamesThatNoEndpointHasAreRefused) {
  serve();
  EXPECT_EQ(errno_of(run(root_->make_directory(user(), "\xff", 0755))), EINVAL);
  EXPECT_EQ(errno_of(run(root_->make_directory(user(), std::string(250, 'e'), 0755))), ENAMETOOLONG);
}

TEST_F(ListenTest, NextIsReachedByNameAndNotListed) {
  const NodePtr endpoint = serve();
  EXPECT_THAT(names(endpoint), ElementsAre("inbox", "to"));
  EXPECT_EQ(errno_of(lookup(endpoint, "next")), 0);
  EXPECT_EQ(errno_of(lookup(endpoint, "none")), ENOENT);
}

TEST_F(ListenTest, NobodyElseGetsIn) {
  const NodePtr endpoint = serve();
  for (const NodePtr& directory : {root_, endpoint, node(endpoint, "inbox"), node(endpoint, "to")}) {
    EXPECT_EQ(stat(directory).mode, static_cast<mode_t>(S_IFDIR | 0700));
    EXPECT_EQ(stat(directory).uid, 1000U);
    EXPECT_EQ(errno_of(run(directory->lookup(user(1001), "test"))), EACCES);
    EXPECT_EQ(errno_of(run(directory->open_directory(user(1001)))), EACCES);
  }
  EXPECT_EQ(errno_of(run(root_->make_directory(user(1001), "other", 0755))), EACCES);
  EXPECT_EQ(errno_of(run(root_->remove_directory(user(1001), "test"))), EACCES);
  EXPECT_EQ(errno_of(open(node(endpoint, "next"), O_RDONLY, user(1001))), EACCES);
}

TEST_F(ListenTest, NextGivesTheDirectoryOfTheOldestMessageAndThenEnds) {
  const NodePtr endpoint = serve();
  arrive("one");
  arrive("two");
  const auto file = next(endpoint);
  EXPECT_EQ(read(*file).value(), "inbox/1\n");
  EXPECT_THAT(run(file->read(user(), 8, 100)).value().bytes(), IsEmpty());
  EXPECT_EQ(read(*next(endpoint)).value(), "inbox/2\n");
  EXPECT_THAT(names(node(endpoint, "inbox")), ElementsAre("1", "2"));
}

TEST_F(ListenTest, ALineMayBeReadInPieces) {
  const NodePtr endpoint = serve();
  arrive("one");
  arrive("two");
  const auto file = next(endpoint);
  std::string line;
  for (std::uint64_t at = 0; at < 8; ++at) line += spot::to_string(run(file->read(user(), at, 1)).value().bytes());
  EXPECT_EQ(line, "inbox/1\n");
  EXPECT_THAT(names(node(endpoint, "inbox")), ElementsAre("1"));
}

TEST_F(ListenTest, AnOpenThatReadsNothingTakesNone) {
  const NodePtr endpoint = serve();
  arrive("one");
  release(*next(endpoint));
  EXPECT_THAT(names(node(endpoint, "inbox")), IsEmpty());
  EXPECT_EQ(read(*next(endpoint)).value(), "inbox/1\n");
}

TEST_F(ListenTest, WhatWaitsIsNotInTheInbox) {
  const NodePtr endpoint = serve();
  arrive("one");
  EXPECT_THAT(names(node(endpoint, "inbox")), IsEmpty());
  EXPECT_EQ(errno_of(lookup(node(endpoint, "inbox"), "1")), ENOENT);
}

TEST_F(ListenTest, AReadWaitsForAMessage) {
  const NodePtr endpoint = serve();
  const auto file = next(endpoint);
  auto reading = begin(file->read(user(), 0, 100));
  settle();
  EXPECT_FALSE(reading.done());
  arrive("one");
  EXPECT_EQ(spot::to_string(finish(reading).value().bytes()), "inbox/1\n");
}

TEST_F(ListenTest, AnInterruptedReadTakesNothing) {
  const NodePtr endpoint = serve();
  const auto first = next(endpoint), second = next(endpoint);
  auto reading = begin(first->read(user(), 0, 100));
  settle();
  reading.interrupt();
  EXPECT_EQ(finish(reading).error(), make_error_code(Errc::cancelled));
  arrive("one");
  EXPECT_THAT(names(node(endpoint, "inbox")), IsEmpty());
  EXPECT_EQ(read(*second).value(), "inbox/1\n");
}

TEST_F(ListenTest, AReadThatIsInterruptedWhenAMessageComesLeavesItToTheNext) {
  const NodePtr endpoint = serve();
  const auto first = next(endpoint), second = next(endpoint);
  auto reading = begin(first->read(user(), 0, 100));
  auto other = begin(second->read(user(), 0, 100));
  settle();
  reading.interrupt();
  EXPECT_TRUE(takers_.at("test")(question("one")));  // both are woken, and neither has run yet
  EXPECT_EQ(finish(reading).error(), make_error_code(Errc::cancelled));
  EXPECT_EQ(spot::to_string(finish(other).value().bytes()), "inbox/1\n");
}

TEST_F(ListenTest, ASignalEndsAReadAtOnce) {
  const NodePtr endpoint = serve();
  const auto file = next(endpoint);
  auto reading = begin(file->read(user(), 0, 100));
  settle();
  reading.signal();
  EXPECT_EQ(finish(reading).error(), make_error_code(Errc::cancelled));
}

TEST_F(ListenTest, WhoIsKilledWhenAMessageComesLeavesItToTheNext) {
  std::set<pid_t> killed;
  options_.is_killed = [&](pid_t tid) { return killed.contains(tid); };
  const NodePtr endpoint = serve();
  const auto first = next(endpoint), second = next(endpoint);
  auto reading = begin(first->read(user(1000, 20), 0, 100));
  settle();
  killed.insert(20);
  arrive("one");
  EXPECT_EQ(finish(reading).error(), make_error_code(Errc::cancelled));
  EXPECT_THAT(names(node(endpoint, "inbox")), IsEmpty());
  EXPECT_EQ(read(*second).value(), "inbox/1\n");
}

TEST_F(ListenTest, EachOfSeveralReadersGetsAnother) {
  const NodePtr endpoint = serve();
  const auto first = next(endpoint), second = next(endpoint);
  auto one = begin(first->read(user(), 0, 100));
  auto two = begin(second->read(user(), 0, 100));
  settle();
  arrive("one");
  arrive("two");
  const std::set<std::string> lines{spot::to_string(finish(one).value().bytes()),
                                    spot::to_string(finish(two).value().bytes())};
  EXPECT_THAT(lines, ElementsAre("inbox/1\n", "inbox/2\n"));
}

TEST_F(ListenTest, TwoReadsOfOneOpenTakeOneMessage) {
  const NodePtr endpoint = serve();
  const auto file = next(endpoint);
  auto one = begin(file->read(user(), 0, 100));
  auto two = begin(file->read(user(), 0, 100));
  settle();
  arrive("one");
  arrive("two");
  EXPECT_EQ(spot::to_string(finish(one).value().bytes()), "inbox/1\n");
  EXPECT_EQ(spot::to_string(finish(two).value().bytes()), "inbox/1\n");
  EXPECT_THAT(names(node(endpoint, "inbox")), ElementsAre("1"));
}

TEST_F(ListenTest, ReadWithoutBlockingDoesNotWait) {
  const NodePtr endpoint = serve();
  const auto file = next(endpoint, O_RDONLY | O_NONBLOCK);
  EXPECT_EQ(errno_of(read(*file)), EAGAIN);
  arrive("one");
  EXPECT_EQ(read(*file).value(), "inbox/1\n");
}

TEST_F(ListenTest, NextCannotBeWritten) {
  EXPECT_EQ(errno_of(open(node(serve(), "next"), O_WRONLY)), EACCES);
  EXPECT_EQ(errno_of(open(node(node(root_, "test"), "next"), O_RDWR)), EACCES);
}

TEST_F(ListenTest, PollSaysWhenAMessageIsThere) {
  struct Counter final : Poller {
    explicit Counter(int& c) : count{c} {}
    void notify() override { ++count; }
    int& count;
  };
  const NodePtr endpoint = serve();
  const auto file = next(endpoint);
  int notified = 0;
  EXPECT_EQ(run(file->poll(user(), std::make_unique<Counter>(notified))).value(), 0U);
  arrive("one");
  EXPECT_EQ(notified, 1);
  EXPECT_NE(run(file->poll(user(), nullptr)).value() & POLLIN, 0U);
  read(*next(endpoint));
  EXPECT_EQ(run(file->poll(user(), nullptr)).value(), 0U);
}

TEST_F(ListenTest, ARepeatIsNotGivenOutTwice) {
  const NodePtr endpoint = serve();
  const QuestionPtr first = arrive("one");
  take(endpoint);
  const QuestionPtr again = question("sealed anew");
  again->incoming.id = first->incoming.id;
  again->incoming.sender = peer_ + "/elsewhere";
  EXPECT_TRUE(put(again));
  EXPECT_EQ(errno_of(read(*next(endpoint, O_RDONLY | O_NONBLOCK))), EAGAIN);
  EXPECT_THAT(again->errors, IsEmpty());
  // The same number from another sender is another message.
  const QuestionPtr other = question("two");
  other->incoming.id = first->incoming.id;
  other->incoming.sender = me_ + "/x";
  EXPECT_TRUE(put(other));
  EXPECT_EQ(read(node(take(endpoint), "body")).value(), "two");
}

TEST_F(ListenTest, AForgedMessageIsNoRepeatOfAVerifiedOne) {
  const NodePtr endpoint = serve();
  const QuestionPtr forged = question("forged");
  forged->incoming.verified = false;
  EXPECT_TRUE(put(forged));
  const QuestionPtr right = question("right");
  right->incoming.id = forged->incoming.id;
  EXPECT_TRUE(put(right));
  take(endpoint);
  EXPECT_EQ(read(node(take(endpoint), "body")).value(), "right");
}

TEST_F(ListenTest, SenderBeyondTheQueueGetsAnError) {
  const NodePtr endpoint = serve();
  arrive("given out");
  const NodePtr given = take(endpoint);
  for (int i = 1; i < 1'024; ++i) arrive("x");
  const spot::Answer<void> refused = put(question("one too many"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().text, "too many messages wait for an answer");
  EXPECT_EQ(say(node(given, "reply"), "answer"), 0);
  arrive("there is room again");
  EXPECT_FALSE(put(question("and now there is not")));
}

TEST_F(ListenTest, WhatWaitsTakesABoundedAmountOfMemoryInAll) {
  const NodePtr endpoint = serve();
  serve("other");
  const std::string large(65'000, 'x');
  for (int i = 0; i < 600; ++i) arrive(large);
  int taken = 0;
  while (put(question(large), "other")) ++taken;
  EXPECT_GT(taken, 400);
  EXPECT_LT(taken, 436);
  EXPECT_EQ(say(node(take(endpoint), "reply"), "answer"), 0);
  EXPECT_TRUE(put(question(large), "other"));
}

TEST_F(ListenTest, WhatIsRefusedTakesItsRoomUntilItsSenderHasBeenTold) {
  serve();
  serve("other");
  const std::string large(65'000, 'x');
  std::vector<QuestionPtr> asked;
  for (int i = 0; i < 900; ++i) asked.push_back(arrive(large));
  asked.front()->held = true;
  while (put(question(large), "other")) continue;
  run(root_->remove_directory(user(), "test"));
  settle();
  EXPECT_FALSE(put(question(large), "other"));
  EXPECT_THAT(asked.back()->errors, IsEmpty());
  asked.front()->let_go();
  settle();
  EXPECT_THAT(asked.back()->errors, ElementsAre("no such endpoint"));
  EXPECT_TRUE(put(question(large), "other"));
}

TEST_F(ListenTest, WhatIsRefusedOfflineIsForgottenAtTheFirstThatCannotBeTold) {
  serve();
  const QuestionPtr first = arrive("one"), second = arrive("two");
  first->failure = spot::Failure{Errc::offline};
  run(root_->remove_directory(user(), "test"));
  settle();
  EXPECT_THAT(second->errors, IsEmpty());
  EXPECT_EQ(second.use_count(), 1);
}

TEST_F(ListenTest, WhatNobodyTakesIsRefusedAfterTheTimeout) {
  const NodePtr endpoint = serve();
  const QuestionPtr asked = arrive("one");
  clock_.pass(30s);
  const QuestionPtr later = arrive("two");
  clock_.pass(29'999ms);
  names(node(endpoint, "inbox"));
  settle();
  EXPECT_THAT(asked->errors, IsEmpty());
  clock_.pass(1ms);
  EXPECT_EQ(read(node(take(endpoint), "body")).value(), "two");
  settle();
  EXPECT_THAT(asked->errors, ElementsAre("not answered within 60 s"));
  EXPECT_THAT(later->errors, IsEmpty());
}

TEST_F(ListenTest, TheTimeoutNeedsNobodyToLook) {
  options_.clock = &spot::Clock::system();
  options_.timeout = 20ms;
  serve();
  const QuestionPtr asked = arrive("one");
  while (asked->errors.empty()) {
    context_.restart();
    context_.run_one();
  }
  EXPECT_THAT(asked->errors, ElementsAre("not answered within 0.02 s"));
}

TEST_F(ListenTest, RemovingAnEndpointRefusesWhatIsThereAndEndsTheWaits) {
  const NodePtr endpoint = serve();
  const QuestionPtr given = arrive("one");
  const NodePtr directory = take(endpoint);
  const auto file = next(endpoint);
  auto reading = begin(file->read(user(), 0, 100));
  settle();
  EXPECT_EQ(errno_of(run(root_->remove_directory(user(), "test"))), 0);
  EXPECT_EQ(errno_of(finish(reading)), ESTALE);
  settle();
  EXPECT_THAT(given->errors, ElementsAre("no such endpoint"));
  EXPECT_EQ(errno_of(lookup(directory, "body")), ESTALE);
  EXPECT_EQ(errno_of(lookup(endpoint, "next")), ESTALE);
}

TEST_F(ListenTest, WhatWaitsIsRefusedWhenTheMountEnds) {
  serve();
  const QuestionPtr waiting = arrive("one");
  const spot::Taker taker = takers_.at("test");
  root_.reset();
  settle();
  EXPECT_THAT(waiting->errors, ElementsAre("no such endpoint"));
  EXPECT_FALSE(taker(question("late")));
}

TEST_F(ListenTest, NumbersAreNotGivenAgainByAnEndpointThatIsServedAnew) {
  arrive("one", (serve(), "test"));
  take(node(root_, "test"));
  run(root_->remove_directory(user(), "test"));
  const NodePtr again = serve();
  arrive("two");
  EXPECT_EQ(read(*next(again)).value(), "inbox/2\n");
}

TEST_F(ListenTest, AnAttributeOfAnEndpointThatGoesDoesNotTakeTheNameFromTheNextOne) {
  std::future<void> renewed;
  const auto renews = std::make_shared<bool>(false);  // the endpoint is stopped after this test
  options_.serve = [this, &renewed, renews, before = options_.serve](std::string endpoint, spot::Taker taker,
                                                                     spot::HandlerOptions settings) -> Result<void> {
    if (std::exchange(*renews, false)) {
      renewed = std::async(std::launch::async, [this] {
        asio::io_context other;
        asio::co_spawn(other, root_->remove_directory(user(), "test"), asio::detached);
        other.run();
        other.restart();
        asio::co_spawn(other, root_->make_directory(user(), "test", 0755), asio::detached);
        other.run();
      });
      renewed.wait_for(100ms);  // it has to wait for this one
    }
    return before(std::move(endpoint), std::move(taker), settings);
  };
  const NodePtr old = serve();
  *renews = true;
  run(old->set_xattr(user(), "user.spot.unverified", spot::to_bytes(std::string_view{"1"}), XattrMode::either));
  renewed.get();
  ASSERT_TRUE(put(question("one")));
  EXPECT_EQ(read(node(take(node(root_, "test")), "body")).value(), "one");
  EXPECT_FALSE(unverified_["test"]);
  EXPECT_EQ(errno_of(run(old->remove_xattr(user(), "user.spot.unverified"))), ESTALE);
}

TEST_F(ListenTest, UnverifiedMessagesAreTakenWhereTheAttributeSaysSo) {
  const NodePtr endpoint = serve();
  EXPECT_FALSE(unverified_["test"]);
  const auto set = [&](std::string_view value) {
    return errno_of(run(endpoint->set_xattr(user(), "user.spot.unverified", spot::to_bytes(value), XattrMode::either)));
  };
  EXPECT_EQ(errno_of(run(endpoint->get_xattr(user(), "user.spot.unverified"))), ENODATA);
  EXPECT_EQ(set("1"), 0);
  EXPECT_TRUE(unverified_["test"]);
  EXPECT_EQ(spot::to_string(run(endpoint->get_xattr(user(), "user.spot.unverified")).value()), "1");
  EXPECT_THAT(run(endpoint->list_xattrs(user())).value(), ElementsAre("user.spot.unverified"));
  for (const char* bad : {"", "2", "yes", "1\n"}) EXPECT_EQ(set(bad), EINVAL) << bad;
  EXPECT_EQ(set("0"), 0);
  EXPECT_FALSE(unverified_["test"]);
  EXPECT_EQ(set("1"), 0);
  EXPECT_EQ(errno_of(run(endpoint->remove_xattr(user(), "user.spot.unverified"))), 0);
  EXPECT_FALSE(unverified_["test"]);
}

}  // namespace
}  // namespace spotfs::tree
