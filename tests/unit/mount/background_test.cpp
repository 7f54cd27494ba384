#include "mount/background.hpp"

#include <csignal>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace spotfs::mount {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

// The child writes a word into it once all that is asked of it is done.
class Pipe {
 public:
  Pipe() { EXPECT_EQ(::pipe(ends_), 0); }
  ~Pipe() {
    for (const int end : ends_) ::close(end);
  }
  // As a descriptor that in_background() does not close: standard input.
  void become_standard_input() const { EXPECT_EQ(::dup2(ends_[1], STDIN_FILENO), STDIN_FILENO); }
  std::string read() const {
    char text[64] = {};
    return ::read(ends_[0], text, sizeof text) > 0 ? text : "";
  }

 private:
  int ends_[2] = {-1, -1};
};

void reap_children() {
  while (::wait(nullptr) > 0) continue;
}

TEST(Background, ReturnsWhenTheChildIsReadyAndLetsItGoOn) {
  const Pipe pipe;
  const int kept = ::dup(STDIN_FILENO);
  pipe.become_standard_input();
  const Outcome outcome = in_background(10s, [](Report& report) {
    const int mine = ::dup(STDIN_FILENO);  // ready() lets standard input go
    if (!report.ready()) return Exit::failed;
    return ::write(mine, "went on", 7) == 7 ? Exit::success : Exit::failed;
  });
  EXPECT_EQ(outcome.code, Exit::success);
  EXPECT_EQ(pipe.read(), "went on");
  ::dup2(kept, STDIN_FILENO);
  ::close(kept);
  int status = -1;
  ::wait(&status);
  EXPECT_EQ(status, 0);
}

TEST(Background, SaysWhatTheChildSaysWhenItFails) {
  const Outcome outcome = in_background(10s, [](Report& report) {
    report.failed({Exit::failed, "no connection"});
    return Exit::failed;
  });
  EXPECT_EQ(outcome.code, Exit::failed);
  EXPECT_EQ(outcome.text, "no connection");
  reap_children();
}

TEST(Background, CutsALineThatIsTooLong) {
  const Outcome outcome = in_background(10s, [](Report& report) {
    report.failed({Exit::usage, std::string(100'000, 'x')});
    return Exit::usage;
  });
  EXPECT_EQ(outcome.code, Exit::usage);
  EXPECT_EQ(outcome.text, std::string(2'000, 'x'));
  reap_children();
}

TEST(Background, SaysHowAChildEndedThatSaidNothing) {
  EXPECT_THAT(in_background(10s, [](Report&) -> Exit { ::_exit(7); }).text, HasSubstr("exit code 7"));
  const Outcome killed = in_background(10s, [](Report&) -> Exit {
    ::raise(SIGKILL);
    ::_exit(0);
  });
  EXPECT_THAT(killed.text, HasSubstr("signal 9"));
  EXPECT_EQ(killed.code, Exit::system);
}

TEST(Background, EndsAChildThatIsNeverReady) {
  const Outcome outcome = in_background(50ms, [](Report&) -> Exit {
    for (;;) ::pause();
  });
  EXPECT_EQ(outcome.code, Exit::failed);
  EXPECT_THAT(outcome.text, HasSubstr("did not work within 50ms"));
  int status = 0;
  ::wait(&status);
  EXPECT_TRUE(WIFSIGNALED(status));
}

TEST(Background, KeepsNoDescriptorOfTheCaller) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const Outcome outcome = in_background(10s, [&](Report& report) {
    const bool both_gone = ::fcntl(ends[0], F_GETFD) < 0 && ::fcntl(ends[1], F_GETFD) < 0;
    report.failed({both_gone ? Exit::success : Exit::system, {}});
    return Exit::success;
  });
  EXPECT_EQ(outcome.code, Exit::success);
  for (const int end : ends) ::close(end);
  reap_children();
}

TEST(Outcomes, HaveTheExitCodesOfMount) {
  using spot::Errc;
  EXPECT_EQ(outcome_of({Errc::bad_argument}).code, Exit::usage);
  EXPECT_EQ(outcome_of({Errc::bad_permissions}).code, Exit::usage);
  EXPECT_EQ(outcome_of({std::error_code{EPERM, std::generic_category()}}).code, Exit::usage);
  EXPECT_EQ(outcome_of({std::error_code{ENOMEM, std::system_category()}}).code, Exit::system);
  EXPECT_EQ(outcome_of({Errc::offline}).code, Exit::failed);
}

TEST(Outcomes, AreOneLineThatNamesTheReasonOnce) {
  using spot::Errc;
  const std::error_code gone{ENOENT, std::generic_category()};
  EXPECT_EQ(line_of({gone, "/a"}), "/a: " + gone.message());
  EXPECT_EQ(line_of({gone, "/a: " + gone.message()}), "/a: " + gone.message());
  EXPECT_EQ(line_of({Errc::offline}), make_error_code(Errc::offline).message());
  EXPECT_EQ(line_of({Errc::remote_error, "no\nway"}), "no\\x0away");
}

}  // namespace
}  // namespace spotfs::mount
