// Messages by themselves: what request_test.cpp does not see.
#include "fs/tree/outgoing/outgoing.hpp"

#include "tests/unit/tree/tree_fixture.hpp"

namespace spotfs::tree {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class OutgoingTest : public TreeTest {
 protected:
  OutgoingTest() {
    options_.deliver = [this](Bytes message) -> asio::awaitable<Result<void>> {
      delivered_.push_back(spot::to_string(message));
      if (outcome_) co_return outcome_;
      co_return Result<void>{};
    };
    options_.refused = [this](std::error_code why) { refused_.push_back(spot::to_errno(why)); };
    options_.executor = context_.get_executor();
    options_.opener = 7;
    options_.find_thread = [this](pid_t tid) { return std::optional{Thread{tid, is_exiting_}}; };
  }
  std::shared_ptr<Outgoing> message() { return std::make_shared<Outgoing>(options_); }

  OutgoingOptions options_;
  bool is_exiting_ = false;
  std::error_code outcome_;
  std::vector<std::string> delivered_;
  std::vector<int> refused_;
};

TEST_F(OutgoingTest, LimitIsTheOptions) {
  options_.limit = 3;
  const auto one = message();
  write(*one, 0, "abc");
  EXPECT_EQ(errno_of(flush(*one)), 0);
  const auto other = message();
  write(*other, 0, "abc");
  EXPECT_EQ(errno_of(write(*other, 3, "d")), EMSGSIZE);
  EXPECT_THAT(delivered_, ElementsAre("abc"));
}

TEST_F(OutgoingTest, RefusalIsToldOnceAndSaidByAllThatFollows) {
  options_.limit = 3;
  const auto file = message();
  EXPECT_EQ(errno_of(write(*file, 0, "abcd")), EMSGSIZE);
  EXPECT_EQ(errno_of(write(*file, 0, "a")), EMSGSIZE);
  EXPECT_EQ(errno_of(run(file->fsync(user(), false))), EMSGSIZE);
  EXPECT_EQ(errno_of(flush(*file)), EMSGSIZE);
  EXPECT_EQ(errno_of(file->empty()), EMSGSIZE);
  release(*file);
  EXPECT_THAT(refused_, ElementsAre(EMSGSIZE));
  EXPECT_THAT(delivered_, IsEmpty());
}

TEST_F(OutgoingTest, EachWriteAfterItWasSentIsTold) {
  const auto file = message();
  write(*file, 0, "a");
  flush(*file);
  EXPECT_EQ(errno_of(write(*file, 1, "b")), EPIPE);
  EXPECT_EQ(errno_of(write(*file, 1, "b")), EPIPE);
  EXPECT_THAT(refused_, ElementsAre(EPIPE, EPIPE));
}

TEST_F(OutgoingTest, OutcomeOfTheDeliveryIsThatOfTheClose) {
  outcome_ = fail(ESTALE);
  const auto file = message();
  write(*file, 0, "a");
  EXPECT_EQ(errno_of(flush(*file)), ESTALE);
}

TEST_F(OutgoingTest, CloseOfAProcessThatExitsIsAnsweredAtOnceAndTheReleaseSends) {
  const auto file = message();
  write(*file, 0, "a");
  is_exiting_ = true;
  EXPECT_EQ(errno_of(flush(*file)), 0);
  EXPECT_THAT(delivered_, IsEmpty());
  EXPECT_TRUE(file->is_held());  // who opens `reply` waits for it, and sends it
  EXPECT_TRUE(file->is_flushed());
  release(*file);
  settle();
  EXPECT_THAT(delivered_, ElementsAre("a"));
}

TEST_F(OutgoingTest, ExitOfAnotherProcessChangesNothing) {
  const auto file = message();
  write(*file, 0, "a");
  is_exiting_ = true;
  flush(*file, user(1000, 9));
  is_exiting_ = false;
  flush(*file);
  EXPECT_THAT(delivered_, ElementsAre("a"));
}

TEST_F(OutgoingTest, RoomIsTakenUntilTheDeliveryIsOver) {
  options_.room = std::make_shared<Room>(10'000);
  const auto one = message(), other = message();
  write(*one, 0, std::string(3'000, 'x'));
  EXPECT_EQ(errno_of(write(*other, 0, std::string(3'000, 'y'))), ENOBUFS);
  EXPECT_THAT(refused_, ElementsAre(ENOBUFS));
  flush(*one);
  EXPECT_EQ(options_.room->taken(), 0U);
  const auto next = message();
  write(*next, 0, std::string(3'000, 'z'));
  EXPECT_GT(options_.room->taken(), 3'000U);
  flush(*next);
  EXPECT_EQ(delivered_.size(), 2U);
}

TEST_F(OutgoingTest, MessageThatIsNeverSentGivesItsRoomBack) {
  options_.room = std::make_shared<Room>(10'000);
  auto file = message();
  write(*file, 0, "a");
  file.reset();
  EXPECT_EQ(options_.room->taken(), 0U);
}

}  // namespace
}  // namespace spotfs::tree
