// What is in a message's directory, how it is answered, and packets.
#include <unistd.h>

#include "tests/unit/tree/listen_fixture.hpp"

namespace spotfs::tree {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

class ListenAnswerTest : public ListenTest {
 protected:
  void give_out(std::string_view body = "question") {
    endpoint_ = serve();
    asked_ = arrive(body);
    message_ = take(endpoint_);
  }
  std::vector<std::string> inbox() { return names(node(endpoint_, "inbox")); }

  NodePtr endpoint_, message_;
  QuestionPtr asked_;
};

TEST_F(ListenAnswerTest, MessageShowsItsSenderAndItsBodyInTheirSizes) {
  give_out(std::string{"any\0bytes\n", 10});
  EXPECT_THAT(names(message_), ElementsAre("body", "error", "from", "reply"));
  EXPECT_EQ(read(node(message_, "body")).value(), (std::string{"any\0bytes\n", 10}));
  EXPECT_EQ(stat(node(message_, "body")).size, 10U);
  EXPECT_EQ(read(node(message_, "from")).value(), asked_->incoming.sender + "\n");
  EXPECT_EQ(stat(node(message_, "from")).size, asked_->incoming.sender.size() + 1);
  EXPECT_EQ(errno_of(open(node(message_, "body"), O_WRONLY)), EACCES);
  EXPECT_EQ(errno_of(open(node(message_, "reply"), O_RDONLY)), EACCES);
  EXPECT_EQ(errno_of(open(node(message_, "body"), O_RDONLY, user(1001))), EACCES);
}

TEST_F(ListenAnswerTest, FromSaysWhereNobodyIsVerified) {
  endpoint_ = serve();
  asked_ = question("x");
  asked_->incoming.verified = false;
  put(asked_);
  EXPECT_EQ(read(node(take(endpoint_), "from")).value(), "unverified " + asked_->incoming.sender + "\n");
}

TEST_F(ListenAnswerTest, NameOfASenderIsPrintableAndLeadsNowhereElse) {
  endpoint_ = serve();
  const auto from = [&](const std::string& sender) {
    asked_ = question("x");
    asked_->incoming.sender = sender;
    put(asked_);
    return read(node(take(endpoint_), "from")).value();
  };
  EXPECT_EQ(from(peer_ + "/\x1b[1m\nx"), peer_ + "/\\x1b[1m\\x0ax\n");
  EXPECT_EQ(from(peer_ + "/.."), peer_ + "/\\x2e.\n");
  EXPECT_EQ(from(peer_ + "/../../.."), peer_ + "/\\x2e.\n");
  EXPECT_EQ(from(peer_ + "/a/b"), peer_ + "/a\n");
  EXPECT_EQ(from("k.srv." + peer_.substr(2) + "/a"), peer_ + "/a\n");
}

TEST_F(ListenAnswerTest, WritingTheReplyAnswersAndEndsTheMessage) {
  give_out();
  EXPECT_EQ(say(node(message_, "reply"), "answer"), 0);
  EXPECT_THAT(asked_->answers, ElementsAre("answer"));
  EXPECT_THAT(inbox(), IsEmpty());
  EXPECT_THAT(notifier_->names, ElementsAre("1"));
  clock_.pass(60s);
  inbox();
  settle();
  EXPECT_THAT(asked_->errors, IsEmpty());
}

TEST_F(ListenAnswerTest, AShellsRedirectAnswersWhenItIsReleased) {
  give_out();
  const auto file = open(node(message_, "reply"), O_WRONLY).value();
  flush(*file);
  write(*file, 0, "a");
  flush(*file);
  write(*file, 1, "b");
  EXPECT_THAT(asked_->answers, IsEmpty());
  release(*file);
  EXPECT_THAT(asked_->answers, ElementsAre("ab"));
}

TEST_F(ListenAnswerTest, WritingAnErrorAnswersWithItsText) {
  give_out();
  EXPECT_EQ(say(node(message_, "error"), "out of tea\n"), 0);
  EXPECT_THAT(asked_->errors, ElementsAre("out of tea"));
  EXPECT_THAT(inbox(), IsEmpty());
}

TEST_F(ListenAnswerTest, TheEmptyReplyIsATruncate) {
  give_out();
  const NodePtr reply = node(message_, "reply");
  EXPECT_EQ(say(reply, ""), 0);
  EXPECT_THAT(asked_->answers, IsEmpty());
  AttributeChanges changes;
  changes.size = 0;
  EXPECT_EQ(errno_of(run(reply->set_attributes(user(), changes, nullptr))), 0);
  EXPECT_THAT(asked_->answers, ElementsAre(""));
}

TEST_F(ListenAnswerTest, RemovingTheDirectoryDeclines) {
  give_out();
  EXPECT_EQ(errno_of(run(node(endpoint_, "inbox")->remove_directory(user(1001), "1"))), EACCES);
  EXPECT_EQ(errno_of(run(node(endpoint_, "inbox")->remove_directory(user(), "1"))), 0);
  settle();
  EXPECT_THAT(asked_->errors, ElementsAre("declined"));
  EXPECT_EQ(errno_of(run(node(endpoint_, "inbox")->remove_directory(user(), "1"))), ESTALE);
  EXPECT_EQ(errno_of(run(node(endpoint_, "inbox")->remove_directory(user(), "9"))), ENOENT);
}

TEST_F(ListenAnswerTest, WhatNobodyAnswersIsRefusedAndStale) {
  give_out();
  const NodePtr reply = node(message_, "reply");
  const auto early = open(reply, O_WRONLY).value(), written = open(reply, O_WRONLY).value();
  write(*written, 0, "too");
  clock_.pass(60s);
  EXPECT_THAT(inbox(), IsEmpty());
  settle();
  EXPECT_THAT(asked_->errors, ElementsAre("not answered within 60 s"));
  EXPECT_EQ(errno_of(write(*early, 0, "late")), ESTALE);
  EXPECT_EQ(errno_of(flush(*written)), ESTALE);
  EXPECT_EQ(say(reply, "late"), ESTALE);
  EXPECT_EQ(errno_of(lookup(message_, "reply")), ESTALE);
  EXPECT_EQ(errno_of(lookup(node(endpoint_, "inbox"), "1")), ESTALE);
  EXPECT_EQ(errno_of(read(*next(endpoint_, O_RDONLY | O_NONBLOCK))), EAGAIN);
  EXPECT_THAT(asked_->answers, IsEmpty());
  EXPECT_THAT(notifier_->names, ElementsAre("1"));
}

TEST_F(ListenAnswerTest, AnAnswerThatIsTooLargeSaysSoToItsWriterTheSenderAndTheLog) {
  std::vector<std::string> logged;
  options_.log = [&](const std::string& text) { logged.push_back(text); };
  const auto is_refused = [&] {
    EXPECT_THAT(asked_->answers, IsEmpty());
    EXPECT_THAT(asked_->errors, ElementsAre("the answer is too large for one message"));
    EXPECT_THAT(inbox(), IsEmpty());
    EXPECT_EQ(errno_of(lookup(message_, "error")), ESTALE);
    const std::string line = "listen/test: " + asked_->incoming.sender + " got an error: " + asked_->errors.at(0);
    EXPECT_THAT(logged, ElementsAre(line));
    logged.clear();
  };
  give_out();
  asked_->failure = spot::Failure{Errc::too_large};
  EXPECT_EQ(say(node(message_, "reply"), "sealed it has no room"), EMSGSIZE);
  EXPECT_THAT(notifier_->names, ElementsAre("1"));
  is_refused();
  asked_ = arrive("another");
  message_ = take(endpoint_);
  EXPECT_EQ(say(node(message_, "reply"), std::string(65'001, 'x')), EMSGSIZE);
  is_refused();
}

TEST_F(ListenAnswerTest, AnAnswerThatIsNotWrittenFromStartToEndIsAnError) {
  give_out();
  const auto file = open(node(message_, "reply"), O_WRONLY).value();
  write(*file, 0, "length=?, an answer");
  EXPECT_EQ(errno_of(write(*file, 7, "9")), ESPIPE);
  EXPECT_EQ(errno_of(flush(*file)), ESPIPE);
  release(*file);
  settle();
  EXPECT_THAT(asked_->answers, IsEmpty());
  EXPECT_THAT(asked_->errors, ElementsAre("the answer was not written from start to end"));
  EXPECT_THAT(inbox(), IsEmpty());
}

TEST_F(ListenAnswerTest, AMessageIsAnsweredOnce) {
  give_out();
  const auto other = open(node(message_, "error"), O_WRONLY).value();
  write(*other, 0, "error");
  EXPECT_EQ(say(node(message_, "reply"), "answer"), 0);
  EXPECT_EQ(errno_of(flush(*other)), ESTALE);
  EXPECT_THAT(asked_->errors, IsEmpty());
}

TEST_F(ListenAnswerTest, WhoeverAnswersWhileAnotherDoesIsTooLate) {
  give_out();
  asked_->held = true;
  const auto first = open(node(message_, "reply"), O_WRONLY).value();
  write(*first, 0, "first");
  auto closing = begin(first->flush(user()));
  settle();
  EXPECT_EQ(say(node(message_, "reply"), "second"), ESTALE);
  EXPECT_EQ(errno_of(run(node(endpoint_, "inbox")->remove_directory(user(), "1"))), EBUSY);
  asked_->let_go();
  EXPECT_EQ(errno_of(finish(closing)), 0);
  EXPECT_THAT(asked_->answers, ElementsAre("first"));
  EXPECT_THAT(asked_->errors, IsEmpty());
}

TEST_F(ListenAnswerTest, AnInterruptedAnswerCanBeGivenOnceMore) {
  give_out();
  asked_->held = true;
  const auto file = open(node(message_, "reply"), O_WRONLY).value();
  write(*file, 0, "x");
  auto closing = begin(file->flush(user()));
  settle();
  closing.interrupt();
  EXPECT_FALSE(finish(closing));
  asked_->held = false;
  EXPECT_EQ(say(node(message_, "reply"), "again"), 0);
  EXPECT_THAT(asked_->answers, ElementsAre("again"));
}

TEST_F(ListenAnswerTest, AnAnswerUnderWayMeetsItsDeadlineOnlyWhenItFails) {
  give_out();
  asked_->held = true;
  const auto file = open(node(message_, "reply"), O_WRONLY).value();
  write(*file, 0, "x");
  auto closing = begin(file->flush(user()));
  settle();
  clock_.pass(61s);
  EXPECT_THAT(inbox(), ElementsAre("1"));
  asked_->failure = spot::Failure{Errc::offline};
  asked_->let_go();
  EXPECT_EQ(errno_of(finish(closing)), ENETDOWN);
  asked_->failure.reset();
  settle();
  EXPECT_THAT(inbox(), IsEmpty());
}

TEST_F(ListenAnswerTest, AReleaseIsAnsweredAtOnceHoweverLongTheAnswerTakes) {
  give_out();
  asked_->held = true;
  const auto file = open(node(message_, "reply"), O_WRONLY).value();
  flush(*file);
  write(*file, 0, "x");
  release(*file);  // returns
  EXPECT_THAT(asked_->answers, IsEmpty());
  asked_->let_go();
  settle();
  EXPECT_THAT(asked_->answers, ElementsAre("x"));
}

TEST_F(ListenAnswerTest, AnOpenBodyStaysWholeWhenTheMessageIsOver) {
  give_out();
  const auto body = open(node(message_, "body"), O_RDONLY).value();
  EXPECT_EQ(say(node(message_, "reply"), "answer"), 0);
  asked_.reset();
  EXPECT_EQ(read(*body).value(), "question");
}

TEST_F(ListenAnswerTest, WhatIsOverTakesNoMemoryHoweverLongTheKernelKnowsIt) {
  give_out();
  const std::weak_ptr<FakeQuestion> known = asked_;
  const NodePtr body = node(message_, "body");
  EXPECT_EQ(say(node(message_, "reply"), "answer"), 0);
  asked_.reset();
  EXPECT_TRUE(known.expired());
  EXPECT_EQ(errno_of(open(body, O_RDONLY)), ESTALE);
}

TEST_F(ListenAnswerTest, WhoWaitsForNoAnswerGetsNoError) {
  endpoint_ = serve();
  asked_ = question("packet");
  asked_->awaited = false;
  asked_->incoming.sender = peer_ + "/data";
  put(asked_);
  EXPECT_EQ(read(node(take(endpoint_), "from")).value(), peer_ + "/data\n");
  clock_.pass(60s);
  EXPECT_THAT(inbox(), IsEmpty());
  settle();
  EXPECT_THAT(asked_->errors, IsEmpty());
}

TEST_F(ListenAnswerTest, WhatIsWrittenBelowToIsOnePacketFromTheEndpoint) {
  const NodePtr to = node(serve(), "to");
  EXPECT_THAT(names(to), IsEmpty());
  EXPECT_EQ(say(node(node(to, peer_), "data"), "packet"), 0);
  ASSERT_EQ(packets_.size(), 1U);
  EXPECT_EQ(packets_[0].target, peer_ + "/data");
  EXPECT_EQ(packets_[0].body, "packet");
  EXPECT_EQ(packets_[0].sender, "/test");
  failure_ = spot::Failure{Errc::peer_offline};
  EXPECT_EQ(say(node(node(to, peer_), "data"), "packet"), EHOSTUNREACH);
}

TEST_F(ListenAnswerTest, PacketsGoToIdentitiesAlone) {
  const NodePtr to = node(serve(), "to");
  for (const char* name : {"@", "k.short", "c.srv.conn", "x"}) EXPECT_EQ(errno_of(lookup(to, name)), ENOENT) << name;
  EXPECT_EQ(errno_of(lookup(to, "g" + peer_.substr(1))), ENOENT);
  EXPECT_EQ(errno_of(lookup(node(to, peer_), std::string(250, 'e'))), ENOENT);
}

TEST_F(ListenAnswerTest, NoPacketGoesOutFromAnEndpointThatIsNoLongerServed) {
  const NodePtr endpoint = serve();
  const NodePtr file = node(node(node(endpoint, "to"), peer_), "data");
  run(root_->remove_directory(user(), "test"));
  EXPECT_EQ(say(file, "packet"), ESTALE);
  EXPECT_THAT(packets_, IsEmpty());
}

}  // namespace
}  // namespace spotfs::tree
