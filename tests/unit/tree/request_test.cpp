// When a query goes out, and what may be written.
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/tree/endpoints_fixture.hpp"

namespace spotfs::tree {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class RequestTest : public EndpointsTest {
 protected:
  std::vector<std::string> bodies() const {
    std::vector<std::string> out;
    for (const Asked& one : asked_) out.push_back(one.body);
    return out;
  }
};

TEST_F(RequestTest, FirstFlushAfterAWriteSendsAndReturnsTheOutcome) {
  const auto file = request(endpoint());
  write(*file, 0, "a");
  write(*file, 1, "b");
  EXPECT_THAT(asked_, IsEmpty());
  failure_ = spot::Failure{Errc::peer_offline};
  EXPECT_EQ(errno_of(flush(*file)), EHOSTUNREACH);
  EXPECT_EQ(bodies(), std::vector<std::string>{"ab"});
  EXPECT_EQ(errno_of(flush(*file)), 0);
  release(*file);
  EXPECT_EQ(asked_.size(), 1U);
}

TEST_F(RequestTest, FlushOfAnotherThreadOfTheOpenerCounts) {
  const auto file = request(endpoint());
  write(*file, 0, "a");
  flush(*file, user(1000, 8));
  EXPECT_EQ(asked_.size(), 1U);
}

TEST_F(RequestTest, FlushOfAnotherProcessSendsNothing) {
  const auto file = request(endpoint());
  write(*file, 0, "a");
  EXPECT_EQ(errno_of(flush(*file, user(1000, 9))), 0);
  EXPECT_THAT(asked_, IsEmpty());
  flush(*file);
  EXPECT_EQ(asked_.size(), 1U);
}

TEST_F(RequestTest, FlushBeforeTheFirstWriteMarksARedirectThatIsSentAtItsRelease) {
  const auto file = request(endpoint());
  flush(*file);
  write(*file, 0, "a");
  flush(*file);
  write(*file, 1, "b");
  flush(*file);
  EXPECT_THAT(asked_, IsEmpty());
  release(*file);
  EXPECT_EQ(bodies(), std::vector<std::string>{"ab"});
}

TEST_F(RequestTest, FlushOfAnotherProcessMarksNoRedirect) {
  const auto file = request(endpoint());
  flush(*file, user(1000, 9));
  write(*file, 0, "a");
  flush(*file);
  EXPECT_EQ(asked_.size(), 1U);
}

TEST_F(RequestTest, OpenerThatIsNotKnownIsTakenForARedirect) {
  const auto file = request(endpoint(), user(1000, 0));
  write(*file, 0, "a");
  flush(*file, user(1000, 0));
  EXPECT_THAT(asked_, IsEmpty());
  release(*file);
  EXPECT_EQ(asked_.size(), 1U);
}

TEST_F(RequestTest, FsyncSends) {
  const auto file = request(endpoint());
  write(*file, 0, "a");
  EXPECT_EQ(errno_of(run(file->fsync(user(), false))), 0);
  EXPECT_EQ(asked_.size(), 1U);
  release(*file);
  EXPECT_EQ(asked_.size(), 1U);
}

TEST_F(RequestTest, OpenOfTheReplySendsARedirectThatItsShellIsDoneWith) {
  const auto file = request(endpoint());
  flush(*file);
  write(*file, 0, "a");
  flush(*file);
  EXPECT_EQ(cat(endpoint(), "reply").value(), "answer to a");
  release(*file);
  EXPECT_EQ(asked_.size(), 1U);
}

TEST_F(RequestTest, ARedirectThatAnOpenOfTheReplySentGoesOnWhenThatIsInterrupted) {
  const auto file = request(endpoint());
  flush(*file);
  write(*file, 0, "a");
  flush(*file);
  hold();
  const NodePtr none = node(endpoint(), "reply");
  auto opening = begin(none->open(user(), O_RDONLY));
  settle();
  EXPECT_THAT(bodies(), testing::ElementsAre("a"));
  opening.interrupt();
  EXPECT_EQ(errno_of(finish(opening)), EINTR);
  answer();
  EXPECT_EQ(cat(endpoint(), "reply").value(), "answer to a");
  EXPECT_FALSE(cancelled_);
  release(*file);
  EXPECT_EQ(asked_.size(), 1U);
}

TEST_F(RequestTest, OpenOfTheErrorSendsItToo) {
  const auto file = request(endpoint());
  flush(*file);
  write(*file, 0, "a");
  flush(*file);
  failure_ = spot::Failure{Errc::offline};
  EXPECT_THAT(cat(endpoint(), "error").value(), HasSubstr("ENETDOWN"));
}

TEST_F(RequestTest, OpenOfTheReplyWaitsForARedirectThatIsStillWrittenTo) {
  const auto file = request(endpoint());
  flush(*file);
  write(*file, 0, "a");
  const NodePtr none = node(endpoint(), "reply");
  auto opening = begin(none->open(user(), O_RDONLY));
  settle();
  EXPECT_FALSE(opening.done());
  EXPECT_EQ(errno_of(open(node(endpoint(), "reply"), O_RDONLY | O_NONBLOCK)), EAGAIN);
  EXPECT_THAT(asked_, IsEmpty());
  flush(*file, user(1000, 9));  // a child's: not the shell's word
  auto another = begin(none->open(user(1000, 10), O_RDONLY));
  settle();
  EXPECT_FALSE(opening.done());
  EXPECT_FALSE(another.done());
  EXPECT_THAT(asked_, IsEmpty());
  release(*file);
  EXPECT_EQ(errno_of(finish(opening)), ESTALE);
  EXPECT_EQ(errno_of(finish(another)), ESTALE);
  EXPECT_EQ(cat(endpoint(), "reply").value(), "answer to a");
}

TEST_F(RequestTest, StatShowsTheNumberOfTheReplyThatAnOpenWouldWaitFor) {
  ask(endpoint(), "old");
  for (const char* const name : {"reply", "error"}) {
    const NodePtr before = node(endpoint(), name);
    const std::uint64_t old = stat(before).inode;
    hold();
    const auto file = request(endpoint());
    flush(*file);
    write(*file, 0, "a");
    const std::uint64_t held = stat(node(endpoint(), name)).inode;
    flush(*file);
    release(*file);
    const std::uint64_t under_way = stat(node(endpoint(), name)).inode;
    answer();
    settle();
    const NodePtr after = node(endpoint(), name);
    EXPECT_NE(before, after);
    EXPECT_NE(held, old);
    EXPECT_EQ(under_way, held);
    EXPECT_EQ(stat(after).inode, held);
    EXPECT_EQ(stat(before).inode, held);  // of whoever was shown it when he looked the name up
    EXPECT_EQ(stat(before).inode, old);   // of a descriptor that is open
  }
}

TEST_F(RequestTest, OfSeveralQueriesTheLastReplyHasTheNumberThatWasShown) {
  const auto one = request(endpoint()), other = request(endpoint());
  write(*one, 0, "one");
  write(*other, 0, "other");
  hold();
  auto first = begin(one->flush(user()));
  settle();
  const auto gate = gate_;
  hold();
  auto second = begin(other->flush(user()));
  settle();
  const std::uint64_t shown = stat(node(endpoint(), "reply")).inode;
  held_ = false;
  gate->cancel();
  finish(first);
  EXPECT_EQ(stat(node(endpoint(), "reply")).inode, shown);
  const NodePtr replaced = node(endpoint(), "reply");
  answer();
  finish(second);
  EXPECT_EQ(stat(node(endpoint(), "reply")).inode, shown);
  EXPECT_EQ(stat(replaced).inode, shown);  // once more, as it was shown
  EXPECT_NE(stat(replaced).inode, shown);
}

TEST_F(RequestTest, MessageThatIsUnderWayChangesTheNumberOfTheErrorAlone) {
  ask(endpoint(), "old");
  const std::uint64_t reply = stat(node(endpoint(), "reply")).inode, error = stat(node(endpoint(), "error")).inode;
  const auto file = open(node(endpoint(), "send"), O_WRONLY).value();
  flush(*file);
  write(*file, 0, "a");
  EXPECT_EQ(stat(node(endpoint(), "reply")).inode, reply);
  const std::uint64_t shown = stat(node(endpoint(), "error")).inode;
  EXPECT_NE(shown, error);
  release(*file);
  settle();
  EXPECT_EQ(stat(node(endpoint(), "reply")).inode, reply);
  EXPECT_EQ(stat(node(endpoint(), "error")).inode, shown);
}

TEST_F(RequestTest, RedirectOfAnotherUserIsNotWaitedFor) {
  options_.peers = 50;
  make();
  const Caller other{1001, 50, 9, 022};
  const auto file = request(endpoint(), other);
  run(file->flush(other));
  write(*file, 0, "a", other);
  EXPECT_EQ(errno_of(cat(endpoint(), "reply")), ENODATA);
}

TEST_F(RequestTest, RedirectThatWroteNothingIsNotWaitedFor) {
  const auto file = request(endpoint());
  flush(*file);
  EXPECT_EQ(errno_of(cat(endpoint(), "reply")), ENODATA);
}

TEST_F(RequestTest, NothingWrittenSendsNothing) {
  const auto file = request(endpoint(), user(), O_WRONLY | O_TRUNC);
  flush(*file);
  release(*file);
  const auto touched = request(endpoint());
  release(*touched);
  EXPECT_THAT(asked_, IsEmpty());
}

TEST_F(RequestTest, TruncateAsksTheEmptyQuery) {
  const NodePtr node_of_it = node(endpoint(), "request");
  const auto file = open(node_of_it, O_WRONLY).value();
  AttributeChanges changes;
  changes.size = 0;
  EXPECT_EQ(errno_of(run(node_of_it->set_attributes(user(), changes, file))), 0);
  EXPECT_EQ(errno_of(flush(*file)), 0);
  EXPECT_EQ(bodies(), std::vector<std::string>{""});
  EXPECT_EQ(errno_of(run(node_of_it->set_attributes(user(), changes, nullptr))), 0);  // truncate(2)
  EXPECT_EQ(asked_.size(), 2U);
}

TEST_F(RequestTest, TruncateToAnotherSizeIsRefused) {
  AttributeChanges changes;
  changes.size = 5;
  EXPECT_EQ(errno_of(run(node(endpoint(), "request")->set_attributes(user(), changes, nullptr))), EINVAL);
  EXPECT_THAT(asked_, IsEmpty());
}

TEST_F(RequestTest, TruncateToWhatWasWrittenChangesNothing) {
  const NodePtr file_node = node(endpoint(), "request");
  const auto file = open(file_node, O_WRONLY).value();
  write(*file, 0, "abc");
  AttributeChanges changes;
  changes.size = 3;
  EXPECT_EQ(errno_of(run(file_node->set_attributes(user(), changes, file))), 0);
  changes.size = 2;
  EXPECT_EQ(errno_of(run(file_node->set_attributes(user(), changes, file))), EINVAL);
  flush(*file);
  EXPECT_EQ(bodies(), std::vector<std::string>{"abc"});
}

TEST_F(RequestTest, OpenOfTheReplyWaitsForAShellNoLongerThanForAQuery) {
  options_.timeouts = std::make_shared<QueryTimeouts>(std::chrono::milliseconds{20});
  const auto file = request(endpoint());
  flush(*file);
  write(*file, 0, "a");
  EXPECT_EQ(errno_of(cat(endpoint(), "reply")), ETIMEDOUT);
  EXPECT_THAT(asked_, IsEmpty());
  release(*file);
  EXPECT_EQ(bodies(), std::vector<std::string>{"a"});
}

TEST_F(RequestTest, OtherAttributesAreSetWithoutEffect) {
  const NodePtr file = node(endpoint(), "request");
  AttributeChanges changes;
  changes.mode = 0644;
  changes.uid = 1;
  changes.mtime = TimeChange{};
  EXPECT_EQ(errno_of(run(file->set_attributes(user(), changes, nullptr))), 0);
  EXPECT_EQ(stat(file).mode, static_cast<mode_t>(S_IFREG | 0600));
  EXPECT_EQ(stat(file).uid, 1000U);
}

TEST_F(RequestTest, WriteAfterTheQueryWentOutIsABrokenPipe) {
  const auto file = request(endpoint());
  write(*file, 0, "a");
  flush(*file);
  EXPECT_EQ(errno_of(write(*file, 1, "b")), EPIPE);
  const std::string line = cat(endpoint(), "error").value();
  EXPECT_THAT(line, HasSubstr(" EPIPE "));
  EXPECT_THAT(line, HasSubstr("already sent; use call"));
  EXPECT_EQ(cat(endpoint(), "reply").value(), "answer to a");
  release(*file);
  EXPECT_EQ(asked_.size(), 1U);
}

TEST_F(RequestTest, WritesAreSequential) {
  const auto file = request(endpoint());
  write(*file, 0, "ab");
  EXPECT_EQ(errno_of(write(*file, 2, "c")), 0);
  EXPECT_EQ(errno_of(write(*file, 0, "d")), ESPIPE);
  EXPECT_EQ(errno_of(write(*file, 3, "d")), ESPIPE);
  EXPECT_EQ(errno_of(flush(*file)), ESPIPE);
  release(*file);
  EXPECT_THAT(asked_, IsEmpty());  // never a part
  EXPECT_THAT(cat(endpoint(), "error").value(), HasSubstr("not written from start to end: nothing was sent"));
}

TEST_F(RequestTest, AppendGoesToTheEndOfThisQuery) {
  const auto file = request(endpoint(), user(), O_WRONLY | O_APPEND);
  for (const char* text : {"a", "b"}) {
    Write one{99, spot::to_bytes(std::string_view{text})};
    one.append = true;
    EXPECT_EQ(errno_of(run(file->write(user(), one))), 0);
  }
  flush(*file);
  EXPECT_EQ(bodies(), std::vector<std::string>{"ab"});
}

TEST_F(RequestTest, DescriptorsHaveQueriesOfTheirOwn) {
  const auto one = request(endpoint()), other = request(endpoint());
  write(*one, 0, "one");
  write(*other, 0, "other");
  flush(*one);
  flush(*other);
  EXPECT_EQ(bodies(), (std::vector<std::string>{"one", "other"}));
}

TEST_F(RequestTest, LargestBodyIsSentWhole) {
  EXPECT_EQ(ask(endpoint(), std::string(65'000, 'x')), 0);
  EXPECT_EQ(asked_[0].body.size(), 65'000U);
}

TEST_F(RequestTest, WriteThatCrossesTheLimitFailsAndNothingIsSent) {
  const auto file = request(endpoint());
  write(*file, 0, std::string(65'000, 'x'));
  EXPECT_EQ(errno_of(write(*file, 65'000, "x")), EMSGSIZE);
  EXPECT_EQ(errno_of(write(*file, 0, "x")), EMSGSIZE);
  EXPECT_EQ(errno_of(flush(*file)), EMSGSIZE);
  release(*file);
  EXPECT_THAT(asked_, IsEmpty());
  EXPECT_EQ(errno_of(cat(endpoint(), "reply")), EMSGSIZE);
  EXPECT_THAT(cat(endpoint(), "error").value(), HasSubstr("EMSGSIZE"));
}

TEST_F(RequestTest, RequestIsNotRead) {
  const NodePtr file = node(endpoint(), "request");
  EXPECT_EQ(errno_of(open(file, O_RDONLY)), EACCES);
  EXPECT_EQ(errno_of(open(file, O_RDWR)), EACCES);
  EXPECT_EQ(errno_of(run(file->access(user(), R_OK))), EACCES);
  EXPECT_EQ(errno_of(run(file->access(user(), W_OK))), 0);
}

TEST_F(RequestTest, RequestGoesByTheKernelsCacheAndHearsOfOtherPositions) {
  const Opened opened = run(node(endpoint(), "request")->open(user(), O_WRONLY)).value();
  EXPECT_TRUE(opened.direct_io);
  EXPECT_FALSE(opened.nonseekable);
}

TEST_F(RequestTest, ReleaseSendsWhatNoFlushOfTheOpenerDid) {
  const auto file = request(endpoint());
  write(*file, 0, "a");
  flush(*file, user(1000, 9));
  release(*file);
  EXPECT_EQ(asked_.size(), 1U);
}

TEST(ThreadTest, ThreadsOfThisProcessAreOfIt) {
  const auto thread = find_thread(::gettid());
  ASSERT_TRUE(thread);
  EXPECT_EQ(thread->group, ::getpid());
  EXPECT_FALSE(thread->is_exiting);
  for (const pid_t none : {0, -1, 1 << 30}) EXPECT_FALSE(find_thread(none));
}

TEST(ThreadTest, AProcessWithoutFilesExits) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);
  const auto thread = find_thread(child);
  EXPECT_EQ(::waitpid(child, nullptr, 0), child);
  ASSERT_TRUE(thread);
  EXPECT_TRUE(thread->is_exiting);
}

}  // namespace
}  // namespace spotfs::tree
