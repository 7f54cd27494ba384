// Requests that wait: what ends them, and what they leave free.
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <iomanip>
#include <limits>
#include <sstream>
#include <string>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_future.hpp>
#include <unistd.h>

#include "client/net/event.hpp"
#include "fs/tree/interrupt.hpp"
#include "tests/unit/fuse/session_fixture.hpp"

namespace spotfs::test {
namespace {

using Kernel = FakeKernel;
constexpr std::uint64_t root_id = FUSE_ROOT_ID;

class Slow final : public Node {
 public:
  // Its release waits, too; `released` tells of it.
  class File final : public OpenFile {
   public:
    explicit File(Slow& node) : node_{node} {}
    asio::awaitable<void> release(Caller) override {
      asio::steady_timer timer{co_await asio::this_coro::executor, std::chrono::milliseconds{20}};
      boost::system::error_code ec;
      co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ec));
      node_.released += ec ? 100 : 1;
    }
    asio::awaitable<Result<unsigned>> poll(Caller, std::unique_ptr<Poller> waiter) override {
      node_.poller = std::move(waiter);
      co_return static_cast<unsigned>(POLLIN);
    }

   private:
    Slow& node_;
  };

  asio::awaitable<Result<Attributes>> attributes(Caller) override {
    Attributes attributes;
    attributes.mode = S_IFDIR | 0755;
    co_return attributes;
  }
  // "value" passes the error of its wait on, "throws" goes on to another wait.
  asio::awaitable<Result<Entry>> lookup(Caller, std::string name) override {
    if (name == "now") co_return fail(ENOENT);
    if (name == "posted") {
      co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
      co_return fail(EXDEV);
    }
    if (name == "gate") {
      const Result<void> waited = co_await spot::Event::wait(gate);
      co_return waited ? fail(EXDEV) : waited.error();
    }
    if (name == "at once") co_await tree::ends_at_once();
    const std::error_code ec = co_await wait_for_ever();
    if (name == "throws") co_await wait_for_ever();
    co_return ec;
  }
  asio::awaitable<Result<Opened>> open(Caller, int) override {
    Opened opened{std::make_shared<File>(*this)};
    co_return opened;
  }

  const std::shared_ptr<spot::Event> gate = std::make_shared<spot::Event>();
  std::atomic<int> released{0};
  std::unique_ptr<Poller> poller;
};

class WaitingTest : public SessionTest {
 protected:
  explicit WaitingTest(std::chrono::milliseconds interrupt_patience = {}) {
    interrupt_patience_ = interrupt_patience;
    begin(slow_);
  }
  ~WaitingTest() override { end(); }
  std::uint64_t send_lookup(const std::string& name) { return kernel_.send(FUSE_LOOKUP, root_id, Kernel::name(name)); }

  std::shared_ptr<Slow> slow_ = std::make_shared<Slow>();
};

TEST_F(WaitingTest, EndsAWaitWhenTheCallerIsInterrupted) {
  const std::uint64_t request = send_lookup("value");
  kernel_.interrupt(request);
  EXPECT_EQ(kernel_.answer_to(request).error, -EINTR);
}

TEST_F(WaitingTest, EndsACallThatWouldWaitOnceMore) {
  const std::uint64_t request = send_lookup("throws");
  kernel_.interrupt(request);
  EXPECT_EQ(kernel_.answer_to(request).error, -EINTR);
  EXPECT_TRUE(log().empty());
}

TEST_F(WaitingTest, AnswersOnceHoweverOftenItIsInterrupted) {
  const std::uint64_t request = send_lookup("value");
  for (int i = 0; i < 10; ++i) kernel_.interrupt(request);
  EXPECT_EQ(kernel_.answer_to(request).error, -EINTR);
  // Of interrupts that come after the answer, libfuse asks for one again (EAGAIN); nothing else may be under way.
  const std::uint64_t next = send_lookup("now");
  while (true) {
    const Kernel::Answer answer = kernel_.receive();
    ASSERT_NE(answer.unique, request);
    if (answer.unique == next) break;
  }
}

TEST_F(WaitingTest, GoesOnAfterAWaitThatIsOver) { EXPECT_EQ(kernel_.lookup(root_id, "posted").error, -EXDEV); }

TEST_F(WaitingTest, AnswersOthersWhileAThousandWait) {
  for (int i = 0; i < 1000; ++i) {
    send_lookup("value");
    if (i % 100 != 99) continue;
    EXPECT_EQ(kernel_.lookup(root_id, "now").error, -ENOENT);
  }
  // A socket, unlike the kernel, takes only so many answers that nobody reads.
  std::thread ending{[this] { end(); }};
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(kernel_.receive().error, -ENETDOWN);
  ending.join();
}

TEST_F(WaitingTest, AnswersWhatWaitsAtItsEndWithENETDOWN) {
  const std::uint64_t value = send_lookup("value");
  const std::uint64_t throws = send_lookup("throws");
  while (session_->waiting() != 2) std::this_thread::yield();
  end();
  EXPECT_EQ(kernel_.answer_to(value).error, -ENETDOWN);
  EXPECT_EQ(kernel_.answer_to(throws).error, -ENETDOWN);
}

class PatientTest : public WaitingTest {
 protected:
  PatientTest() : WaitingTest{std::chrono::hours{1}} {}
};

TEST_F(PatientTest, HasItsOwnAnswerIfThatComesSoonAfterAnInterrupt) {
  const std::uint64_t request = send_lookup("gate");
  while (session_->waiting() != 1) std::this_thread::yield();
  kernel_.interrupt(request);
  // What is asked for after the interrupt has been answered: it was taken.
  for (int i = 0; i < 10; ++i) EXPECT_EQ(kernel_.lookup(root_id, "posted").error, -EXDEV);
  slow_->gate->set();
  EXPECT_EQ(kernel_.answer_to(request).error, -EXDEV);
}

TEST_F(PatientTest, EndsAtOnceWhatSaysSo) {
  const std::uint64_t request = send_lookup("at once");
  while (session_->waiting() != 1) std::this_thread::yield();
  kernel_.interrupt(request);
  EXPECT_EQ(kernel_.answer_to(request).error, -EINTR);
}

TEST_F(PatientTest, EndsAWaitAtOnceWhenTheCallerIsBeingKilled) {
  const std::uint64_t request = send_lookup("value");
  while (session_->waiting() != 1) std::this_thread::yield();
  kernel_.interrupt(request);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(kernel_.lookup(root_id, "posted").error, -EXDEV);
  signals_ = fuse::Signals::fatal;
  EXPECT_EQ(kernel_.answer_to(request).error, -EINTR);
}

TEST_F(PatientTest, IsNotInterruptedByWhatMeansNothingToTheCaller) {
  signals_ = fuse::Signals::none;
  const std::uint64_t request = send_lookup("at once");
  while (session_->waiting() != 1) std::this_thread::yield();
  kernel_.interrupt(request);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(kernel_.lookup(root_id, "posted").error, -EXDEV);
  EXPECT_EQ(session_->waiting(), 1U);
  signals_ = fuse::Signals::pending;  // which the kernel does not tell of again
  EXPECT_EQ(kernel_.answer_to(request).error, -EINTR);
}

std::string status(std::uint64_t own, std::uint64_t shared, std::uint64_t blocked = 0, std::uint64_t ignored = 0,
                   std::uint64_t caught = 0) {
  std::ostringstream out;
  out << "Name:\tcat\nSigQ:\t1/2\n" << std::hex << std::setfill('0');
  const auto line = [&](const char* name, std::uint64_t mask) {
    out << name << ":\t" << std::setw(16) << mask << "\n";
  };
  line("SigPnd", own);
  line("ShdPnd", shared);
  line("SigBlk", blocked);
  line("SigIgn", ignored);
  line("SigCgt", caught);
  return out.str();
}

constexpr std::uint64_t bit(int number) { return std::uint64_t{1} << (number - 1); }
using fuse::pending_signals;
using fuse::signals_in;

TEST(Signals, AreFatalIfAKillIsPending) {
  EXPECT_EQ(signals_in(status(bit(SIGKILL), 0)), fuse::Signals::fatal);
  EXPECT_EQ(signals_in(status(0, bit(SIGKILL) | bit(SIGTERM))), fuse::Signals::fatal);
}

TEST(Signals, ArePendingIfTheyAreHandledOrEndOrStopTheCaller) {
  EXPECT_EQ(signals_in(status(0, bit(SIGINT), bit(SIGHUP), bit(SIGHUP), bit(SIGHUP))), fuse::Signals::pending);
  EXPECT_EQ(signals_in(status(bit(SIGTSTP), 0)), fuse::Signals::pending);
  EXPECT_EQ(signals_in(status(0, bit(SIGCHLD), 0, 0, bit(SIGCHLD))), fuse::Signals::pending);
}

TEST(Signals, AreNoneIfTheyMeanNothingToTheCaller) {
  EXPECT_EQ(signals_in(status(0, 0)), fuse::Signals::none);
  EXPECT_EQ(signals_in(status(0, bit(SIGCHLD) | bit(SIGWINCH) | bit(SIGURG) | bit(SIGCONT))), fuse::Signals::none);
  EXPECT_EQ(signals_in(status(0, bit(SIGINT), 0, bit(SIGINT))), fuse::Signals::none);
  EXPECT_EQ(signals_in(status(0, bit(SIGINT), bit(SIGINT), 0, bit(SIGINT))), fuse::Signals::none);
  EXPECT_EQ(signals_in("Name:\tcat\n"), fuse::Signals::none);
}

TEST(Signals, AreThoseOfAThread) {
  sigset_t usual, blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  ASSERT_EQ(::pthread_sigmask(SIG_BLOCK, &blocked, &usual), 0);
  ASSERT_EQ(::pthread_kill(::pthread_self(), SIGUSR1), 0);
  EXPECT_EQ(pending_signals(::gettid()), fuse::Signals::none);
  int number = 0;
  ASSERT_EQ(::sigwait(&blocked, &number), 0);
  ASSERT_EQ(::pthread_sigmask(SIG_SETMASK, &usual, nullptr), 0);
  EXPECT_EQ(number, SIGUSR1);
}

TEST(Signals, AreUnknownOfWhoCannotBeLookedAt) {
  EXPECT_EQ(pending_signals(0), std::nullopt);
  EXPECT_EQ(pending_signals(std::numeric_limits<pid_t>::max()), std::nullopt);
}

TEST_F(WaitingTest, ReleasesToTheEndEvenWhenItStops) {
  kernel_.open(root_id);
  fuse_release_in in{};
  in.fh = kernel_.open(root_id);
  const std::uint64_t release = kernel_.send(FUSE_RELEASE, root_id, Kernel::raw(in));
  kernel_.interrupt(release);
  while (session_->open_handles() != 1) std::this_thread::yield();
  end();
  EXPECT_EQ(kernel_.answer_to(release).error, 0);
  EXPECT_EQ(slow_->released, 2);
}

TEST_F(WaitingTest, TellsAPollerThatSomethingHasChanged) {
  fuse_poll_in in{};
  in.fh = kernel_.open(root_id);
  in.kh = 77;
  in.flags = FUSE_POLL_SCHEDULE_NOTIFY;
  EXPECT_EQ(kernel_.ask(FUSE_POLL, root_id, Kernel::raw(in)).as<fuse_poll_out>().revents,
            static_cast<std::uint32_t>(POLLIN));
  slow_->poller->notify();
  const Kernel::Answer notice = kernel_.receive();
  EXPECT_EQ(notice.unique, 0U);
  EXPECT_EQ(notice.error, FUSE_NOTIFY_POLL);
  EXPECT_EQ(notice.as<fuse_notify_poll_wakeup_out>().kh, 77U);
  end();
  slow_->poller->notify();  // nobody is there any more
}

class NotifierTest : public SessionTest {};

TEST_F(NotifierTest, TellsTheKernelWhatItKnows) {
  const auto file = root_->put("f", "");
  begin();
  const std::uint64_t id = kernel_.id_of(root_id, "f");
  notifier_->attributes_changed(file);
  const auto attributes = kernel_.receive();
  EXPECT_EQ(attributes.error, FUSE_NOTIFY_INVAL_INODE);
  EXPECT_EQ(attributes.as<fuse_notify_inval_inode_out>().ino, id);
  EXPECT_EQ(attributes.as<fuse_notify_inval_inode_out>().off, -1);
  notifier_->name_changed(root_, "f");
  const auto name = kernel_.receive();
  EXPECT_EQ(name.error, FUSE_NOTIFY_INVAL_ENTRY);
  EXPECT_EQ(name.as<fuse_notify_inval_entry_out>().parent, root_id);
  EXPECT_EQ(name.body.substr(sizeof(fuse_notify_inval_entry_out)), Kernel::name("f"));
}

TEST_F(NotifierTest, SaysNothingOfWhatTheKernelDoesNotKnow) {
  const auto unknown = root_->put("unknown", "");
  const auto known = root_->put("known", "");
  begin();
  const std::uint64_t id = kernel_.id_of(root_id, "known");
  notifier_->attributes_changed(unknown);
  notifier_->attributes_changed(known);
  EXPECT_EQ(kernel_.receive().as<fuse_notify_inval_inode_out>().ino, id);
}

TEST_F(NotifierTest, ReturnsWhenAttributesHaveBeenSent) {
  begin();
  notifier_->attributes_changed(root_);
  asio::co_spawn(io_, notifier_->sent(), asio::use_future).get();
  EXPECT_EQ(kernel_.receive().error, FUSE_NOTIFY_INVAL_INODE);
}

// More than fit into the socket: whoever tells them waits for the kernel to take some.
class BusyKernelTest : public NotifierTest {
 protected:
  void tell_many() {
    for (int i = 0; i < kMany; ++i) notifier_->name_changed(root_, "f");
  }
  void take_all() {
    for (int i = 0; i < kMany; ++i) EXPECT_EQ(kernel_.receive().error, FUSE_NOTIFY_INVAL_ENTRY);
  }

 private:
  static constexpr int kMany = 2'000;
};

TEST_F(BusyKernelTest, NamesMayBeWaitedFor) {
  begin();
  tell_many();
  auto all = asio::co_spawn(io_, notifier_->all_sent(std::chrono::minutes{1}), asio::use_future);
  asio::co_spawn(io_, notifier_->sent(), asio::use_future).get();
  EXPECT_EQ(all.wait_for(std::chrono::milliseconds{50}), std::future_status::timeout);
  take_all();
  all.get();
}

TEST_F(BusyKernelTest, WaitForNamesHasALimit) {
  begin();
  tell_many();
  asio::co_spawn(io_, notifier_->all_sent(std::chrono::milliseconds{1}), asio::use_future).get();
  take_all();
}

TEST_F(NotifierTest, DoesNothingBeforeAndAfterTheSession) {
  notifier_->content_changed(root_);
  asio::co_spawn(io_, notifier_->sent(), asio::use_future).get();
  begin();
  end();
  notifier_->content_changed(root_);
  asio::co_spawn(io_, notifier_->sent(), asio::use_future).get();
  asio::co_spawn(io_, notifier_->all_sent(std::chrono::minutes{1}), asio::use_future).get();
}

}  // namespace
}  // namespace spotfs::test
