// `call`: a private channel for each open.
#include "tests/unit/tree/endpoints_fixture.hpp"

namespace spotfs::tree {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class CallTest : public EndpointsTest {
 protected:
  std::shared_ptr<OpenFile> call(int flags = O_RDWR, Caller caller = user()) {
    return open(node(endpoint(), "call", caller), flags, caller).value();
  }
  // As cat does: until a read gives nothing.
  Result<std::string> drain(OpenFile& file, std::size_t size = 1 << 17) {
    std::string out;
    for (;;) {
      const Result<Content> some = run(file.read(user(), out.size(), size));
      if (!some) return some.error();
      if (some->bytes().empty()) return out;
      out += spot::to_string(some->bytes());
    }
  }
  unsigned poll(OpenFile& file, std::unique_ptr<Poller> poller = nullptr) {
    return run(file.poll(user(), std::move(poller))).value();
  }

  struct CountingPoller final : Poller {
    explicit CountingPoller(int& n) : count{n} {}
    void notify() override { ++count; }
    int& count;
  };
};

TEST_F(CallTest, FirstReadSendsAndGivesTheReplyThenTheEnd) {
  const auto file = call();
  write(*file, 0, "a");
  write(*file, 1, "b");
  settle();
  EXPECT_THAT(asked_, IsEmpty());
  EXPECT_EQ(drain(*file).value(), "answer to ab");
  ASSERT_EQ(asked_.size(), 1U);
  EXPECT_EQ(asked_[0].target, peer_ + "/test");
  EXPECT_EQ(asked_[0].timeout, std::chrono::seconds{30});
  EXPECT_EQ(drain(*file).value(), "");
  EXPECT_EQ(asked_.size(), 1U);
}

TEST_F(CallTest, NextWriteStartsTheNextExchange) {
  const auto file = call();
  write(*file, 0, "one");
  EXPECT_EQ(drain(*file).value(), "answer to one");
  write(*file, 15, "two");
  EXPECT_EQ(drain(*file).value(), "answer to two");
}

TEST_F(CallTest, WriteBeforeTheEndOfTheReplyDropsTheRestOfIt) {
  const auto file = call();
  write(*file, 0, "one");
  EXPECT_EQ(spot::to_string(run(file->read(user(), 0, 6))->bytes()), "answer");
  write(*file, 9, "two");
  EXPECT_EQ(drain(*file).value(), "answer to two");
}

TEST_F(CallTest, ReplyIsReadInPiecesFromItsOwnPosition) {
  const auto file = call();
  write(*file, 0, "hi");
  EXPECT_EQ(drain(*file, 5).value(), "answer to hi");
}

TEST_F(CallTest, OpensHaveExchangesOfTheirOwn) {
  const auto one = call(), other = call();
  write(*one, 0, "one");
  write(*other, 0, "other");
  EXPECT_EQ(drain(*other).value(), "answer to other");
  EXPECT_EQ(drain(*one).value(), "answer to one");
  EXPECT_EQ(errno_of(cat(endpoint(), "reply")), ENODATA);
}

TEST_F(CallTest, NothingWrittenSendsNothing) {
  const auto file = call();
  EXPECT_EQ(drain(*file).value(), "");
  write(*file, 0, "never read");
  run(file->flush(user()));
  release(*file);
  settle();
  EXPECT_THAT(asked_, IsEmpty());
}

TEST_F(CallTest, EmptyQueryIsATruncate) {
  const NodePtr file_node = node(endpoint(), "call");
  const auto file = open(file_node, O_RDWR).value();
  AttributeChanges changes;
  changes.size = 0;
  EXPECT_EQ(errno_of(run(file_node->set_attributes(user(), changes, file))), 0);
  EXPECT_EQ(drain(*file).value(), "answer to ");
  EXPECT_EQ(errno_of(run(file_node->set_attributes(user(), changes, nullptr))), EINVAL);
}

TEST_F(CallTest, ErrorIsThatOfTheReadOnceAndItsTextIsInError) {
  const auto file = call();
  failure_ = spot::Failure{Errc::remote_error, "no such\nthing"};
  write(*file, 0, "hi");
  EXPECT_EQ(errno_of(drain(*file)), EREMOTEIO);
  EXPECT_EQ(drain(*file).value(), "");
  EXPECT_THAT(cat(endpoint(), "error").value(), HasSubstr("no such\\x0athing"));
  EXPECT_EQ(errno_of(cat(endpoint(), "reply")), ENODATA);
  failure_.reset();
  write(*file, 0, "again");
  EXPECT_EQ(drain(*file).value(), "answer to again");
}

TEST_F(CallTest, ErrorLeavesTheReplyOfARequestAlone) {
  ask(endpoint(), "first");
  const auto file = call();
  failure_ = spot::Failure{Errc::offline};
  write(*file, 0, "hi");
  EXPECT_EQ(errno_of(drain(*file)), ENETDOWN);
  EXPECT_EQ(cat(endpoint(), "reply").value(), "answer to first");
}

TEST_F(CallTest, InterruptedReadMayBeRepeatedAndTheQueryIsSentOnce) {
  const auto file = call();
  write(*file, 0, "hi");
  hold();
  auto reading = begin(file->read(user(), 0, 100));
  settle();
  EXPECT_FALSE(reading.done());
  reading.interrupt();
  EXPECT_EQ(errno_of(finish(reading)), EINTR);
  answer();
  EXPECT_EQ(drain(*file).value(), "answer to hi");
  EXPECT_EQ(asked_.size(), 1U);
}

TEST_F(CallTest, WriteWhileSomebodyWaitsForTheReplyIsRefused) {
  const auto file = call();
  write(*file, 0, "hi");
  hold();
  auto reading = begin(file->read(user(), 0, 100));
  settle();
  EXPECT_EQ(errno_of(write(*file, 2, "more")), EBUSY);
  answer();
  EXPECT_EQ(spot::to_string(finish(reading)->bytes()), "answer to hi");
}

TEST_F(CallTest, WriteBetweenTheFirstReadAndItsWaitIsRefusedToo) {
  std::shared_ptr<OpenFile> file;
  int wrong = 0;
  options_.query = [&](std::string, Bytes, std::chrono::milliseconds) -> asio::awaitable<spot::Answer<Bytes>> {
    Write more{2, spot::to_bytes(std::string_view{"more"})};
    const Result<std::size_t> written = co_await file->write(user(), std::move(more));
    wrong = errno_of(written);
    co_return spot::to_bytes(std::string_view{"answer"});
  };
  file = call();
  write(*file, 0, "hi");
  EXPECT_EQ(drain(*file).value(), "answer");
  EXPECT_EQ(wrong, EBUSY);
}

TEST_F(CallTest, WriteAfterAnInterruptedReadIsTheNextQuery) {
  const auto file = call();
  write(*file, 0, "one");
  hold();
  auto reading = begin(file->read(user(), 0, 100));
  settle();
  reading.interrupt();
  finish(reading);
  EXPECT_EQ(errno_of(write(*file, 0, "two")), 0);
  settle();  // the first one is cancelled
  answer();
  EXPECT_EQ(drain(*file).value(), "answer to two");
}

TEST_F(CallTest, TooLargeAQueryIsRefusedByWriteAndReadAndNotSent) {
  const auto file = call();
  write(*file, 0, std::string(65'000, 'x'));
  EXPECT_EQ(errno_of(write(*file, 0, "y")), EMSGSIZE);
  EXPECT_EQ(errno_of(write(*file, 0, "z")), EMSGSIZE);
  EXPECT_EQ(errno_of(drain(*file)), EMSGSIZE);
  EXPECT_THAT(asked_, IsEmpty());
  write(*file, 0, "small");
  EXPECT_EQ(drain(*file).value(), "answer to small");
}

TEST_F(CallTest, ReadThatMayNotWaitSendsAndSaysSo) {
  const auto file = call(O_RDWR | O_NONBLOCK);
  write(*file, 0, "hi");
  hold();
  EXPECT_EQ(errno_of(drain(*file)), EAGAIN);
  settle();
  EXPECT_EQ(errno_of(drain(*file)), EAGAIN);
  EXPECT_EQ(errno_of(write(*file, 0, "more")), EBUSY);
  answer();
  settle();
  EXPECT_EQ(drain(*file).value(), "answer to hi");
  EXPECT_EQ(asked_.size(), 1U);
}

TEST_F(CallTest, PollSendsWhatWasWrittenAndSaysWhenTheReplyIsThere) {
  const auto file = call();
  EXPECT_EQ(poll(*file), unsigned{POLLOUT | POLLWRNORM});
  write(*file, 0, "hi");
  hold();
  int notified = 0;
  EXPECT_EQ(poll(*file, std::make_unique<CountingPoller>(notified)), 0U);
  settle();
  EXPECT_EQ(asked_.size(), 1U);
  EXPECT_EQ(errno_of(write(*file, 2, "more")), EBUSY);
  EXPECT_EQ(notified, 0);
  answer();
  settle();
  EXPECT_EQ(notified, 1);
  EXPECT_EQ(poll(*file), unsigned{POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM});
  EXPECT_EQ(drain(*file).value(), "answer to hi");
  EXPECT_EQ(poll(*file), unsigned{POLLOUT | POLLWRNORM});
}

TEST_F(CallTest, AWriteIsNewsToWhoeverPolledBeforeIt) {
  const auto file = call();
  int notified = 0;
  poll(*file, std::make_unique<CountingPoller>(notified));
  write(*file, 0, "hi");
  EXPECT_EQ(notified, 1);
  hold();
  EXPECT_EQ(poll(*file, std::make_unique<CountingPoller>(notified)), 0U);  // which sends it
  answer();
  settle();
  EXPECT_EQ(notified, 2);
  EXPECT_EQ(drain(*file).value(), "answer to hi");
}

TEST_F(CallTest, AWriteThatIsRefusedIsNewsToWhoeverPolledBeforeIt) {
  const auto file = call();
  int notified = 0;
  poll(*file, std::make_unique<CountingPoller>(notified));
  EXPECT_EQ(errno_of(write(*file, 0, std::string(65'001, 'x'))), EMSGSIZE);
  EXPECT_EQ(notified, 1);
  EXPECT_NE(poll(*file) & POLLIN, 0U);
}

TEST_F(CallTest, CloseCancelsTheQuery) {
  const auto file = call();
  write(*file, 0, "hi");
  hold();
  auto reading = begin(file->read(user(), 0, 100));
  settle();
  reading.interrupt();
  finish(reading);
  release(*file);
  settle();
  EXPECT_TRUE(cancelled_);
}

TEST_F(CallTest, IsReachedByNameAndNotListed) {
  EXPECT_THAT(names(endpoint()), Not(testing::Contains("call")));
  const NodePtr file = node(endpoint(), "call");
  EXPECT_EQ(errno_of(open(file, O_RDONLY)), EACCES);
  EXPECT_EQ(errno_of(open(file, O_WRONLY)), EACCES);
  EXPECT_EQ(errno_of(open(file, O_RDWR, user(1001))), EACCES);
  const Opened opened = run(file->open(user(), O_RDWR)).value();
  EXPECT_TRUE(opened.direct_io);
  EXPECT_TRUE(opened.nonseekable);
}

class SendTest : public EndpointsTest {
 protected:
  // As cp does. The errno of the close.
  int tell(std::string_view body) {
    const auto file = open(node(endpoint(), "send"), O_WRONLY).value();
    const int wrong = errno_of(write(*file, 0, body));
    const int closed = errno_of(flush(*file));
    release(*file);
    return wrong != 0 ? wrong : closed;
  }
};

TEST_F(SendTest, OneMessageGoesOutAtTheClose) {
  EXPECT_EQ(tell("hi"), 0);
  ASSERT_EQ(sent_.size(), 1U);
  EXPECT_EQ(sent_[0].target, peer_ + "/test");
  EXPECT_EQ(sent_[0].body, "hi");
  EXPECT_EQ(sent_[0].sender, "/noreply");
  EXPECT_THAT(asked_, IsEmpty());
  EXPECT_THAT(names(endpoint()), Not(testing::Contains("send")));
}

TEST_F(SendTest, RedirectIsSentAtItsRelease) {
  const auto file = open(node(endpoint(), "send"), O_WRONLY).value();
  flush(*file);
  write(*file, 0, "a");
  flush(*file);
  write(*file, 1, "b");
  EXPECT_THAT(sent_, IsEmpty());
  release(*file);
  ASSERT_EQ(sent_.size(), 1U);
  EXPECT_EQ(sent_[0].body, "ab");
}

TEST_F(SendTest, OutcomeIsThatOfTheCloseAndInErrorAndTheReplyStays) {
  ask(endpoint(), "question");
  failure_ = spot::Failure{Errc::offline};
  EXPECT_EQ(tell("hi"), ENETDOWN);
  EXPECT_THAT(cat(endpoint(), "error").value(), HasSubstr(" ENETDOWN "));
  EXPECT_EQ(cat(endpoint(), "reply").value(), "answer to question");
  failure_.reset();
  EXPECT_EQ(tell("hi"), 0);
  EXPECT_EQ(cat(endpoint(), "error").value(), "");
}

TEST_F(SendTest, AMessageMayTakeNoLongerThanAQuery) {
  options_.timeouts = std::make_shared<QueryTimeouts>(std::chrono::seconds{12});
  EXPECT_EQ(tell("hi"), 0);
  EXPECT_EQ(sent_.at(0).timeout, std::chrono::seconds{12});
}

TEST_F(SendTest, TooLargeAMessageIsNotSentAndTheReplyStays) {
  ask(endpoint(), "question");
  EXPECT_EQ(tell(std::string(65'001, 'x')), EMSGSIZE);
  EXPECT_THAT(sent_, IsEmpty());
  EXPECT_THAT(cat(endpoint(), "error").value(), HasSubstr(" EMSGSIZE "));
  EXPECT_EQ(cat(endpoint(), "reply").value(), "answer to question");
}

}  // namespace
}  // namespace spotfs::tree
