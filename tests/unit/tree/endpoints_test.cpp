// Names, permissions, replies and errors of endpoints/.
#include "tests/unit/tree/endpoints_fixture.hpp"

namespace spotfs::tree {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

TEST_F(EndpointsTest, ValidAddressesAreWalkedIntoWithoutAQuery) {
  make();
  for (const std::string& name : {peer_, std::string{"@"}, std::string{"c.srv.conn"}, "g" + peer_.substr(1)}) {
    EXPECT_EQ(errno_of(lookup(root_, name)), 0) << name;
  }
  EXPECT_THAT(names(endpoint()), ElementsAre("error", "reply", "request"));
  EXPECT_THAT(asked_, IsEmpty());
}

TEST_F(EndpointsTest, NamesThatMeanNothingAreMissing) {
  make();
  for (const char* name : {"k.short", "x", "k.", "@@", "k.AAAA!AAAA"}) EXPECT_EQ(errno_of(lookup(root_, name)), ENOENT);
  EXPECT_EQ(errno_of(lookup(node(root_, peer_), std::string(250, 'e'))), ENOENT);  // beyond 256 bytes in all
  EXPECT_EQ(errno_of(lookup(node(root_, peer_), "\xff")), ENOENT);
  EXPECT_EQ(errno_of(lookup(endpoint(), "none")), ENOENT);
}

TEST_F(EndpointsTest, ListingShowsTheServerThisIdentityAndWhatWasUsed) {
  make();
  EXPECT_THAT(names(root_), UnorderedElementsAre("@", me_));
  ask(endpoint(), "x");
  EXPECT_THAT(names(root_), UnorderedElementsAre("@", me_, peer_));
  EXPECT_THAT(names(node(root_, peer_)), ElementsAre("test"));
  EXPECT_THAT(names(node(root_, "@")), Contains("time"));
  EXPECT_THAT(names(node(root_, me_)), Contains("ping"));
}

TEST_F(EndpointsTest, EndpointsOfTheStoreAreNotAllowed) {
  make();
  for (const char* name : {"store_blob", "fetch_blob", "blob_sync"}) {
    EXPECT_EQ(errno_of(lookup(node(root_, "@"), name)), EPERM);
    EXPECT_THAT(names(node(root_, "@")), Not(Contains(name)));
  }
  EXPECT_EQ(errno_of(lookup(node(root_, peer_), "store_blob")), 0);
}

TEST_F(EndpointsTest, DirectoriesAre0700AndFiles0600OfTheUserWhoMounted) {
  for (const NodePtr& directory : {endpoint(), node(root_, peer_), root_}) {
    EXPECT_EQ(stat(directory).mode, static_cast<mode_t>(S_IFDIR | 0700));
    EXPECT_EQ(stat(directory).uid, 1000U);
    EXPECT_EQ(errno_of(run(directory->lookup(user(1001), "@"))), EACCES);
    EXPECT_EQ(errno_of(run(directory->open_directory(user(1001)))), EACCES);
  }
  for (const char* name : {"request", "reply", "error"})
    EXPECT_EQ(stat(node(endpoint(), name)).mode, static_cast<mode_t>(S_IFREG | 0600));
  EXPECT_EQ(errno_of(open(node(endpoint(), "request"), O_WRONLY, user(1001))), EACCES);
}

TEST_F(EndpointsTest, GroupOfPeersMayUseTheEndpointsOfPeersAlone) {
  options_.peers = 50;
  make();
  const Caller member{1001, 50, 9, 022};
  const NodePtr directory = endpoint();
  EXPECT_EQ(errno_of(run(root_->lookup(member, peer_))), 0);
  EXPECT_EQ(errno_of(run(directory->lookup(member, "request"))), 0);
  EXPECT_EQ(errno_of(open(node(directory, "request"), O_WRONLY, member)), 0);
  EXPECT_EQ(errno_of(run(node(root_, "@")->lookup(member, "time"))), EACCES);
}

TEST_F(EndpointsTest, NamesAreNotChanged) {
  const NodePtr directory = endpoint();
  EXPECT_EQ(errno_of(run(directory->create(user(), "x", 0600, O_WRONLY))), EPERM);
  EXPECT_EQ(errno_of(run(directory->rename(user(), "request", directory, "x", RenameMode::replace))), EPERM);
  EXPECT_EQ(errno_of(run(directory->link(user(), node(directory, "request"), "x"))), EPERM);
  EXPECT_EQ(errno_of(run(directory->unlink(user(), "request"))), EPERM);
}

TEST_F(EndpointsTest, ReplyHasTheAnswerAndItsExactSize) {
  EXPECT_EQ(ask(endpoint(), "hi"), 0);
  ASSERT_EQ(asked_.size(), 1U);
  EXPECT_EQ(asked_[0].target, peer_ + "/test");
  EXPECT_EQ(asked_[0].body, "hi");
  EXPECT_EQ(stat(node(endpoint(), "reply")).size, 12U);
  EXPECT_EQ(cat(endpoint(), "reply").value(), "answer to hi");
  EXPECT_EQ(cat(endpoint(), "reply").value(), "answer to hi");  // reading consumes nothing
  EXPECT_FALSE(run(node(endpoint(), "reply")->open(user(), O_RDONLY))->direct_io);
  EXPECT_EQ(cat(endpoint(), "error").value(), "");
}

TEST_F(EndpointsTest, BodiesAreBinary) {
  const std::string body{"\0\xff\n{", 4};
  answers_ = {body};
  ask(endpoint(), body);
  EXPECT_EQ(asked_[0].body, body);
  EXPECT_EQ(cat(endpoint(), "reply").value(), body);
}

TEST_F(EndpointsTest, EachFinishedQueryHasAReplyOfItsOwn) {
  ask(endpoint(), "one");
  const NodePtr first = node(endpoint(), "reply");
  const auto old = open(first, O_RDONLY).value();
  ask(endpoint(), "two");
  const NodePtr second = node(endpoint(), "reply");
  EXPECT_NE(first, second);
  EXPECT_NE(stat(first).inode, stat(second).inode);
  EXPECT_EQ(lookup(endpoint(), "reply")->timeout.count(), 0);
  EXPECT_EQ(stat(second).timeout.count(), 0);
  EXPECT_EQ(read(*old).value(), "answer to one");
  EXPECT_EQ(read(second).value(), "answer to two");
}

TEST_F(EndpointsTest, ReplyOfBeforeIsStaleAndTheNextOpenTakesWhatItFinds) {
  ask(endpoint(), "one");
  const NodePtr first = node(endpoint(), "reply");
  ask(endpoint(), "two");
  EXPECT_EQ(errno_of(open(first, O_RDONLY)), ESTALE);
  EXPECT_EQ(read(node(endpoint(), "reply")).value(), "answer to two");
}

TEST_F(EndpointsTest, RepeatedOpenDoesNotWaitForTheNextQuery) {
  ask(endpoint(), "one");
  const NodePtr first = node(endpoint(), "reply");
  ask(endpoint(), "two");
  EXPECT_EQ(errno_of(open(first, O_RDONLY)), ESTALE);
  const NodePtr second = node(endpoint(), "reply");
  const auto file = request(endpoint());
  write(*file, 0, "three");
  hold();
  auto closing = begin(file->flush(user()));
  settle();
  auto opening = begin(second->open(user(), O_RDONLY));
  settle();
  ASSERT_TRUE(opening.done());
  EXPECT_EQ(errno_of(finish(opening)), 0);
  auto other = begin(second->open(user(1000, 9), O_RDONLY));  // of another thread
  settle();
  EXPECT_FALSE(other.done());
  answer();
  finish(closing);
  EXPECT_EQ(errno_of(finish(other)), ESTALE);
}

TEST_F(EndpointsTest, RepeatedOpenTakesWhatItNamesThoughThereIsANewerOneByThen) {
  ask(endpoint(), "one");
  const NodePtr first = node(endpoint(), "reply");
  ask(endpoint(), "two");
  EXPECT_EQ(errno_of(open(first, O_RDONLY)), ESTALE);
  const NodePtr second = node(endpoint(), "reply");
  ask(endpoint(), "three");
  EXPECT_EQ(read(second).value(), "answer to two");
}

TEST_F(EndpointsTest, OpenOfTheReplyWaitsWhileAQueryIsUnderWay) {
  const auto file = request(endpoint());
  write(*file, 0, "hi");
  hold();
  auto closing = begin(file->flush(user()));
  settle();
  const NodePtr reply = node(endpoint(), "reply");
  EXPECT_EQ(stat(reply).size, 0U);  // stat never waits
  auto opening = begin(reply->open(user(), O_RDONLY));
  settle();
  EXPECT_FALSE(opening.done());
  answer();
  EXPECT_EQ(errno_of(finish(opening)), ESTALE);
  finish(closing);
  EXPECT_EQ(cat(endpoint(), "reply").value(), "answer to hi");
}

TEST_F(EndpointsTest, OpenDoesNotWaitForQueriesThatBeginLater) {
  const auto one = request(endpoint()), later = request(endpoint());
  write(*one, 0, "one");
  write(*later, 0, "later");
  hold();
  const auto first_gate = gate_;
  auto closing = begin(one->flush(user()));
  settle();
  const NodePtr none = node(endpoint(), "reply");
  auto opening = begin(none->open(user(), O_RDONLY));
  settle();
  hold();
  auto closing_later = begin(later->flush(user()));
  settle();
  first_gate->cancel();
  settle();
  EXPECT_TRUE(closing.done());
  EXPECT_TRUE(opening.done());
  EXPECT_FALSE(closing_later.done());
  answer();
  EXPECT_EQ(errno_of(finish(closing_later)), 0);
}

TEST_F(EndpointsTest, OpenThatMayNotWaitSaysSo) {
  const auto file = request(endpoint());
  write(*file, 0, "hi");
  hold();
  auto closing = begin(file->flush(user()));
  settle();
  EXPECT_EQ(errno_of(open(node(endpoint(), "reply"), O_RDONLY | O_NONBLOCK)), EAGAIN);
  answer();
  finish(closing);
}

TEST_F(EndpointsTest, InterruptEndsTheWaitForAReply) {
  const auto file = request(endpoint());
  write(*file, 0, "hi");
  hold();
  auto closing = begin(file->flush(user()));
  settle();
  const NodePtr none = node(endpoint(), "reply");
  auto opening = begin(none->open(user(), O_RDONLY));
  settle();
  opening.interrupt();
  EXPECT_EQ(errno_of(finish(opening)), EINTR);
  EXPECT_FALSE(closing.done());
  answer();
  EXPECT_EQ(errno_of(finish(closing)), 0);
}

TEST_F(EndpointsTest, ASignalEndsEveryWaitAtOnce) {
  const auto file = request(endpoint());
  write(*file, 0, "hi");
  hold();
  auto closing = begin(file->flush(user()));
  settle();
  const auto call = open(node(endpoint(), "call"), O_RDWR).value();
  write(*call, 0, "hi");
  auto calling = begin(call->read(user(), 0, 100));
  const NodePtr none = node(endpoint(), "reply");
  auto opening = begin(none->open(user(), O_RDONLY));
  settle();
  opening.signal();
  EXPECT_EQ(errno_of(finish(opening)), EINTR);
  calling.signal();
  EXPECT_EQ(errno_of(finish(calling)), EINTR);
  EXPECT_FALSE(closing.done());
  closing.signal();
  EXPECT_EQ(errno_of(finish(closing)), EINTR);
  release(*call);
  answer();
  settle();
}

TEST_F(EndpointsTest, InterruptOfTheCloseCancelsTheQueryAndIsNotTheReadersOfItsResults) {
  const auto file = request(endpoint());
  write(*file, 0, "hi");
  hold();
  auto closing = begin(file->flush(user()));
  settle();
  closing.interrupt();
  EXPECT_EQ(errno_of(finish(closing)), EINTR);
  EXPECT_TRUE(cancelled_);
  EXPECT_EQ(errno_of(cat(endpoint(), "reply")), ETIMEDOUT);
  const std::string line = cat(endpoint(), "error").value();
  EXPECT_THAT(line, HasSubstr(" ETIMEDOUT "));
  EXPECT_THAT(line, HasSubstr(" interrupted: the outcome is unknown\n"));
}

TEST_F(EndpointsTest, BeforeAnyQueryThereIsNoReply) {
  EXPECT_EQ(errno_of(cat(endpoint(), "reply")), ENODATA);
  EXPECT_EQ(cat(endpoint(), "error").value(), "");
}

TEST_F(EndpointsTest, FailedQueryFailsTheOpenOfTheReplyWithTheSameError) {
  failure_ = spot::Failure{Errc::remote_error, "no\nsuch \x1b[1mthing"};
  EXPECT_EQ(ask(endpoint(), "hi"), EREMOTEIO);
  EXPECT_EQ(errno_of(cat(endpoint(), "reply")), EREMOTEIO);
}

TEST_F(EndpointsTest, ErrorTellsTimeErrnoAddressAndTheRemotesTextInOneLine) {
  failure_ = spot::Failure{Errc::remote_error, "no\nsuch \x1b[1mthing"};
  ask(endpoint(), "hi");
  const std::string line = cat(endpoint(), "error").value();
  EXPECT_EQ(line, "2026-11-24T00:00:00Z EREMOTEIO " + peer_ + "/test no\\x0asuch \\x1b[1mthing\n");
  EXPECT_EQ(stat(node(endpoint(), "error")).size, line.size());
}

TEST_F(EndpointsTest, ErrorWithoutATextSaysWhatItMeans) {
  failure_ = spot::Failure{Errc::connection_lost};
  EXPECT_EQ(ask(endpoint(), "hi"), ETIMEDOUT);
  EXPECT_THAT(cat(endpoint(), "error").value(), HasSubstr("ETIMEDOUT"));
  EXPECT_THAT(cat(endpoint(), "error").value(), HasSubstr("the outcome is unknown"));
}

TEST_F(EndpointsTest, ErrnoOfAFailureIsThatOfTheTable) {
  const std::vector<std::pair<Errc, int>> rows{{Errc::no_such_endpoint, ENOENT},   {Errc::offline, ENETDOWN},
                                               {Errc::timed_out, ETIMEDOUT},       {Errc::peer_offline, EHOSTUNREACH},
                                               {Errc::card_unknown, EHOSTUNREACH}, {Errc::wrong_signer, EBADMSG},
                                               {Errc::stopping, ENETDOWN}};
  for (const auto& [code, number] : rows) {
    failure_ = spot::Failure{code};
    EXPECT_EQ(ask(endpoint(), "hi"), number);
  }
}

TEST_F(EndpointsTest, ErrorIsEmptyAgainAfterASuccess) {
  failure_ = spot::Failure{Errc::offline};
  ask(endpoint(), "hi");
  failure_.reset();
  ask(endpoint(), "hi");
  EXPECT_EQ(cat(endpoint(), "error").value(), "");
  EXPECT_EQ(cat(endpoint(), "reply").value(), "answer to hi");
}

TEST_F(EndpointsTest, ResultsBelongToTheUserWhoAsked) {
  options_.peers = 50;
  make();
  const Caller one{1000, 1000, 7, 022}, other{1001, 50, 9, 022};
  EXPECT_EQ(ask(endpoint(), "secret", one), 0);
  const NodePtr theirs = node(endpoint(), "reply", one);
  EXPECT_EQ(errno_of(cat(endpoint(), "reply", other)), ENODATA);
  EXPECT_EQ(cat(endpoint(), "error", other).value(), "no query by user id 1001; one by user id 1000\n");
  EXPECT_EQ(errno_of(open(theirs, O_RDONLY, other)), ESTALE);
  EXPECT_EQ(ask(endpoint(), "own", other), 0);
  EXPECT_EQ(cat(endpoint(), "reply", other).value(), "answer to own");
  EXPECT_EQ(cat(endpoint(), "reply", one).value(), "answer to secret");
}

TEST_F(EndpointsTest, OneDeadlineCoversAllOfAQuery) {
  options_.timeouts = std::make_shared<QueryTimeouts>(std::chrono::seconds{12});
  ask(endpoint(), "hi");
  EXPECT_EQ(asked_[0].timeout, std::chrono::seconds{12});
}

TEST_F(EndpointsTest, DeadlineOfAnEndpointIsAnAttributeOfItsDirectory) {
  const NodePtr directory = endpoint();
  EXPECT_EQ(spot::to_string(run(directory->get_xattr(user(), "user.spot.timeout")).value()), "30");
  const auto set = [&](std::string_view value) {
    return errno_of(run(directory->set_xattr(user(), "user.spot.timeout", spot::to_bytes(value), XattrMode::either)));
  };
  EXPECT_EQ(set("5"), 0);
  ask(directory, "hi");
  EXPECT_EQ(asked_[0].timeout, std::chrono::seconds{5});
  const auto message = open(node(directory, "send"), O_WRONLY).value();
  write(*message, 0, "hi");
  EXPECT_EQ(errno_of(flush(*message)), 0);
  EXPECT_EQ(sent_.at(0).timeout, std::chrono::seconds{5});
  ask(endpoint(peer_, "other"), "hi");
  EXPECT_EQ(asked_[1].timeout, std::chrono::seconds{30});
  for (const char* bad : {"", "0", "x", "5s", "-1", "999999999999999999999"}) EXPECT_EQ(set(bad), EINVAL) << bad;
  EXPECT_EQ(errno_of(run(directory->remove_xattr(user(), "user.spot.timeout"))), 0);
  ask(directory, "hi");
  EXPECT_EQ(asked_[2].timeout, std::chrono::seconds{30});
}

TEST_F(EndpointsTest, DeadlineOfAnEndpointIsThatOfTheUserWhoSetIt) {
  options_.peers = 50;
  const Caller other{1001, 50, 9, 022};
  const NodePtr directory = endpoint();
  EXPECT_EQ(errno_of(run(directory->set_xattr(other, "user.spot.timeout", spot::to_bytes("1"), XattrMode::either))), 0);
  EXPECT_EQ(spot::to_string(run(directory->get_xattr(other, "user.spot.timeout")).value()), "1");
  EXPECT_EQ(spot::to_string(run(directory->get_xattr(user(), "user.spot.timeout")).value()), "30");
  ask(directory, "hi", other);
  ask(directory, "hi");
  EXPECT_EQ(asked_.at(0).timeout, std::chrono::seconds{1});
  EXPECT_EQ(asked_.at(1).timeout, std::chrono::seconds{30});
  EXPECT_EQ(errno_of(run(directory->remove_xattr(user(), "user.spot.timeout"))), 0);
  EXPECT_EQ(spot::to_string(run(directory->get_xattr(other, "user.spot.timeout")).value()), "1");
}

TEST_F(EndpointsTest, WhatWasUsedLongAgoIsForgotten) {
  make();
  ask(endpoint(), "first");
  for (int i = 0; i < 1'100; ++i) ask(endpoint("@", "e" + std::to_string(i)), "x");
  EXPECT_THAT(names(root_), Not(Contains(peer_)));
  EXPECT_EQ(names(node(root_, "@")).size(), 1'000U);  // as many as the test lists
}

TEST_F(EndpointsTest, RepliesTakeABoundedAmountOfMemory) {
  make();
  ask(endpoint(), "first");
  const NodePtr directory = endpoint();
  EXPECT_EQ(cat(directory, "reply").value(), "answer to first");
  for (int i = 0; i < 300; ++i) {
    answers_ = {std::string(65'000, 'x')};
    ask(endpoint("@", "e" + std::to_string(i)), "x");
  }
  EXPECT_EQ(errno_of(cat(directory, "reply")), ENODATA);
}

}  // namespace
}  // namespace spotfs::tree
