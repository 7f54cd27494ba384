// errors, metrics, log: what a mount says of itself.
#include "client/proto/address.hpp"
#include "fs/tree/control/log_book.hpp"
#include "tests/unit/tree/control_fixture.hpp"

namespace spotfs::tree {
namespace {

using spot::LogLevel;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

class LogBookTest : public testing::Test {
 protected:
  FakeClock clock_;
  LogBook book_{clock_};
};

TEST_F(LogBookTest, ErrorsAreOneLineEachWhateverTheyHold) {
  clock_.pass(std::chrono::milliseconds{1'234});
  book_.add(LogLevel::warning, "a\nb\x1b[2J" + std::string(100'000, 'x'));
  const std::string text = errors_text(book_);
  EXPECT_THAT(text, StartsWith("2026-11-24T00:00:01.234Z warning a\\x0ab\\x1b[2J"));
  EXPECT_EQ(text.find('\n'), text.size() - 1);
  EXPECT_LT(text.size(), 1'200U);
}

TEST_F(LogBookTest, WhatIsEscapedAlreadyIsNotEscapedOnceMore) {
  note_query(book_, "k.x/y", {spot::Errc::remote_error, "\x1b[31m"});
  EXPECT_THAT(book_.last_error()->text, HasSubstr(": \\x1b[31m"));
  book_.add(LogLevel::warning, "\\x1b[2J\x1b[2J");
  EXPECT_EQ(book_.last_error()->text, "\\x1b[2J\\x1b[2J");
}

TEST_F(LogBookTest, TheLastHundredErrorsAreKept) {
  for (int i = 0; i < 150; ++i) book_.add(LogLevel::error, "number " + std::to_string(i));
  const auto errors = book_.errors();
  ASSERT_THAT(errors, SizeIs(LogBook::kErrors));
  EXPECT_EQ(errors.front().text, "number 50");
  EXPECT_EQ(book_.last_error()->text, "number 149");
  EXPECT_EQ(book_.error_count(), 150U);
}

TEST_F(LogBookTest, WhatIsNoWarningIsNoError) {
  book_.add(LogLevel::info, "mounted");
  EXPECT_EQ(errors_text(book_), "");
  EXPECT_THAT(book_.after(0).lines, SizeIs(1));
}

TEST_F(LogBookTest, LinesBelowItsLevelAreNotKeptButWarningsAreErrors) {
  book_.add(LogLevel::debug, "detail");
  EXPECT_THAT(book_.after(0).lines, IsEmpty());
  book_.set_level(LogLevel::error);
  book_.add(LogLevel::warning, "not nice");
  EXPECT_THAT(book_.after(0).lines, IsEmpty());
  EXPECT_THAT(book_.errors(), SizeIs(1));
  book_.set_level(LogLevel::debug);
  book_.add(LogLevel::debug, "detail");
  EXPECT_THAT(book_.after(0).lines, SizeIs(1));
}

TEST_F(LogBookTest, LinesAreBoundedAndWhoHasSeenSomeGetsTheRest) {
  for (int i = 0; i < 600; ++i) book_.add(LogLevel::info, std::to_string(i));
  EXPECT_THAT(book_.after(0).lines, SizeIs(LogBook::kLines));
  const LogBook::News news = book_.after(600);
  EXPECT_THAT(news.lines, IsEmpty());
  EXPECT_FALSE(news.more->is_set());
  book_.add(LogLevel::info, "more");
  EXPECT_TRUE(news.more->is_set());
  EXPECT_EQ(book_.after(600).lines.at(0).text, "more");
}

TEST_F(LogBookTest, AQueryThatItsUserGaveUpIsNoError) {
  note_query(book_, "k.x/y", spot::Failure{Errc::cancelled});
  EXPECT_EQ(book_.error_count(), 0U);
  note_query(book_, "k.x/y", spot::Failure{Errc::remote_error, "no\nway"});
  EXPECT_THAT(book_.last_error()->text, HasSubstr("k.x/y"));
  EXPECT_THAT(book_.last_error()->text, Not(HasSubstr("\n")));
}

// --- In .spotfs/ -----------------------------------------------------------------------------------------------------

TEST_F(ControlTest, ErrorsAreForTheUserWhoMounted) {
  mount();
  book_->add(LogLevel::error, "of files/secret");
  EXPECT_THAT(read(node(control_, "errors")).value(), HasSubstr("of files/secret"));
  EXPECT_EQ(stat(node(control_, "errors")).mode, static_cast<mode_t>(S_IFREG | 0600));
  for (const char* name : {"errors", "pending", "ctl"})
    EXPECT_EQ(errno_of(open(node(control_, name), O_RDONLY, user(1001))), EACCES) << name;
  EXPECT_TRUE(open(node(control_, "metrics"), O_RDONLY, user(1001)));
}

TEST_F(ControlTest, StatusHasTheLastErrorAndWhatWasChosen) {
  mount();
  book_->add(LogLevel::error, "bad\n");
  const json::object status = spot::parse_json(read(node(control_, "status")).value()).value().as_object();
  EXPECT_EQ(status.at("errors"), 1);
  EXPECT_EQ(text_of(status.at("last_error").as_object(), "text"), "bad\\x0a");
  EXPECT_EQ(text_of(status.at("options").as_object(), "state"), "/state");
  EXPECT_EQ(text_of(status, "directory"), "/mnt");
  EXPECT_EQ(text_of(status, "log"), "info");
  EXPECT_EQ(status.at("disk").as_object().at("journal"), 4'096);
}

TEST_F(ControlTest, TheLogIsShownAndItsLevelSet) {
  mount();
  book_->add(LogLevel::info, "one");
  book_->add(LogLevel::debug, "not kept");
  auto lines = of_event(command("log"), "log");
  ASSERT_THAT(lines, SizeIs(1));
  EXPECT_EQ(text_of(lines[0], "text"), "one");
  EXPECT_EQ(text_of(lines[0], "level"), "info");
  EXPECT_EQ(error_of(command("log debug")), "");
  EXPECT_EQ(level_, LogLevel::debug);
  book_->add(LogLevel::debug, "kept");
  EXPECT_THAT(of_event(command("log"), "log"), SizeIs(2));
  EXPECT_EQ(error_of(command("log loud")), "EINVAL");
}

TEST_F(ControlTest, WhoFollowsTheLogIsToldWhatComes) {
  mount();
  const auto file = ctl();
  ASSERT_TRUE(write(*file, 0, "log follow\n"));
  settle();
  Pending<Result<Content>> reading = begin(file->read(user(), 0, 10'000));
  settle();
  ASSERT_FALSE(reading.done());
  book_->add(LogLevel::info, "news");
  settle();
  ASSERT_TRUE(reading.done());
  EXPECT_THAT(spot::to_string(reading.get().value().bytes()), HasSubstr("news"));
  release(*file);
  settle();
}

TEST_F(ControlTest, CommandsForOthersAreRefusedBeforeTheyAreSent) {
  mount();
  EXPECT_EQ(error_of(command("query @/store_blob 1", "x")), "EPERM");
  EXPECT_EQ(error_of(command("query nowhere 0")), "EINVAL");
  EXPECT_EQ(error_of(command("query @/time 65001")), "EMSGSIZE");
  EXPECT_EQ(error_of(command("query @/time 0 0")), "EINVAL");
  EXPECT_EQ(error_of(command("ping k.x")), "EINVAL");
  EXPECT_EQ(error_of(command("send @/x a/b 0")), "EINVAL");
}

TEST_F(ControlTest, WhatIsForgottenIsToldToTheKernel) {
  mount();
  const NodePtr directory = mkdir(root_, "d");  // the kernel is told of what it knows
  put(directory, "file", "x");
  notifier_->names.clear();
  EXPECT_EQ(error_of(command("forget files/d/file")), "");
  EXPECT_THAT(notifier_->names, testing::Contains("file"));
  EXPECT_EQ(error_of(command("forget files/d/none")), "");
  EXPECT_THAT(notifier_->names, testing::Contains("none"));
  EXPECT_EQ(error_of(command("forget files/none/x")), "ENOENT");
  for (const std::string place : {"cards/", "endpoints/"}) {
    const std::string card = place + spot::identity_target(spot::Sha256{});
    EXPECT_EQ(error_of(command("forget " + card)), "") << card;
  }
  EXPECT_EQ(error_of(command("forget cards/" + spot::identity_target(spot::Sha256{}) + ".json")), "");
  EXPECT_EQ(error_of(command("forget endpoints/" + spot::identity_target(spot::Sha256{}) + "/test/request")), "");
  for (const char* path : {"files", "self/id", "files/..", "\"\"", "cards/k.x", "endpoints/@/time", "cards"})
    EXPECT_EQ(error_of(command(std::string{"forget "} + path)), "EINVAL") << path;
}

TEST_F(ControlTest, ADirectoryThatIsForgottenKeepsItsPlace) {
  mount();
  const NodePtr directory = mkdir(root_, "d");
  const NodePtr below = mkdir(directory, "below");
  put(directory, "file", "x");
  const NodePtr file = node(directory, "file");
  notifier_->names.clear();
  notifier_->contents.clear();
  EXPECT_EQ(error_of(command("forget files/d")), "");
  EXPECT_THAT(notifier_->names, testing::IsEmpty());
  EXPECT_THAT(notifier_->contents, testing::UnorderedElementsAre(directory.get(), below.get(), file.get()));
}

TEST_F(ControlTest, TheGroupOfPeersMayAskPeersAndNothingElse) {
  constexpr gid_t kGroup = 50;
  const Caller member{4'321, kGroup, 9, 022}, other{4'321, 4'321, 9, 022};
  mount();
  EXPECT_EQ(errno_of(open(node(control_, "ctl"), O_RDWR, member)), EACCES);
  peers_ = kGroup;
  make_control_anew();
  EXPECT_EQ(errno_of(open(node(control_, "ctl"), O_RDWR, other)), EACCES);
  const auto file = open(node(control_, "ctl"), O_RDWR, member).value();
  const std::string peer = spot::identity_target(spot::Sha256{1});
  for (const std::string& line :
       {std::string{"flush"}, std::string{"log"}, std::string{"time"}, std::string{"card"}, std::string{"ping @"},
        std::string{"query @/time 0"}, std::string{"query c.srv.1/x 0"}, std::string{"blob get x"},
        std::string{"forget cards/"} + peer, "send " + peer + "/x from 0"}) {
    const auto said = command(*file, line);
    EXPECT_EQ(error_of(said), "EACCES") << line;
    EXPECT_EQ(text_of(said.back(), "text"), "/mnt: only the user who mounted it may control it") << line;
  }
  // What goes on to be looked at.
  EXPECT_EQ(error_of(command(*file, "query " + peer + "/x 65001")), "EMSGSIZE");
  EXPECT_EQ(error_of(command(*file, "send " + peer + "/x 65001")), "EMSGSIZE");
  EXPECT_EQ(error_of(command(*file, "ping " + peer + " never")), "EINVAL");
  release(*file);
}

TEST_F(ControlTest, TheGroupOfPeersLeavesRoomForTheUserWhoMounted) {
  const Caller member{4'321, 50, 9, 022};
  peers_ = member.gid;
  mount();
  std::vector<std::shared_ptr<OpenFile>> opened;
  for (int i = 0; i < 128; ++i) opened.push_back(open(node(control_, "ctl"), O_RDWR, member).value());
  EXPECT_EQ(errno_of(open(node(control_, "ctl"), O_RDWR, member)), ENOBUFS);
  EXPECT_EQ(error_of(command("log")), "");
  opened.pop_back();
  EXPECT_EQ(errno_of(open(node(control_, "ctl"), O_RDWR, member)), 0);
}

TEST_F(ControlTest, MetricsCountInBucketsThatGrow) {
  mount();
  spot::Histogram took;
  took.add(std::chrono::microseconds{5});
  took.add(std::chrono::microseconds{20});
  took.add(std::chrono::minutes{1});
  figures_.operations.push_back({"read", 1, took.figures()});
  figures_.waiting = 3;
  book_->add(LogLevel::error, "x");
  const std::string text = read(node(control_, "metrics")).value();
  EXPECT_THAT(text, HasSubstr("# TYPE spotfs_operation_seconds histogram\n"));
  EXPECT_THAT(text, HasSubstr("spotfs_operation_seconds_bucket{operation=\"read\",le=\"1e-05\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("spotfs_operation_seconds_bucket{operation=\"read\",le=\"3e-05\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("spotfs_operation_seconds_bucket{operation=\"read\",le=\"30\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("spotfs_operation_seconds_bucket{operation=\"read\",le=\"+Inf\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("spotfs_operation_seconds_count{operation=\"read\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("spotfs_operation_failures_total{operation=\"read\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("spotfs_requests_waiting 3\n"));
  EXPECT_THAT(text, HasSubstr("spotfs_errors_total 1\n"));
}

TEST_F(ControlTest, MetricsAreThereWithoutADisk) {
  mount();
  is_there_ = false;
  const std::string text = read(node(control_, "metrics")).value();
  EXPECT_THAT(text, HasSubstr("spotfs_queries_in_flight 0\n"));
  EXPECT_THAT(text, Not(HasSubstr("spotfs_trash")));
}

}  // namespace
}  // namespace spotfs::tree
