// Which writers are given up, by whom, and for how long that is remembered.
#include <gmock/gmock.h>

#include "fs/index/head.hpp"
#include "tests/unit/index/index_fixture.hpp"

namespace spotfs {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Not;
using namespace std::chrono_literals;

class Retiring : public IndexTest {
 protected:
  // Two mounts of one store, and a snapshot, with its base, that both know and that has all that was done.
  void SetUp() override {
    auto maker = mount(options("maker"));
    ASSERT_TRUE(maker->run(maker->index().close()));
    one_ = shared("one");
    two_ = shared("two");
    two_->make("b");
    for (int day = 0; day < 4; ++day) {
      pass(*two_, 25h);
      pass(*one_, 40s);
    }
  }
  std::unique_ptr<IndexMount> shared(const std::string& machine) {
    IndexOptions with = shared_options(machine);
    with.clock = &clock_;
    return mount(std::move(with));
  }
  // It does what is due by then.
  void pass(IndexMount& mount, std::chrono::nanoseconds time) {
    for (const std::chrono::nanoseconds part : {time, std::chrono::nanoseconds{31s}}) {
      clock_.now += part;
      ASSERT_TRUE(mount.run(mount.index().refresh()));
      ASSERT_TRUE(mount.run(mount.index().commit()));
      for (int i = 0; i < 2'000; ++i) mount.context().poll();
    }
  }
  static WriterId id_of(IndexMount& of) { return of.index().status().writer; }
  static std::vector<WriterId> others(IndexMount& of) {
    std::vector<WriterId> out;
    for (const WriterStatus& other : of.index().status().others) out.push_back(other.id);
    return out;
  }
  bool has_rollback(IndexMount& of) {
    return std::ranges::any_of(of.index().status().others, &WriterStatus::rolled_back) || was_told("rolled back");
  }

  SetClock clock_;
  std::unique_ptr<IndexMount> one_, two_;
};

TEST_F(Retiring, AWriterThatIsAwayForAMonthIsGivenUp) {
  const WriterId two = id_of(*two_);
  two_.reset();
  pass(*one_, 25 * 24h);
  EXPECT_THAT(others(*one_), Contains(two));
  pass(*one_, 6 * 24h);
  EXPECT_THAT(others(*one_), Not(Contains(two)));
  auto fresh = shared("fresh");
  EXPECT_THAT(others(*fresh), Not(Contains(two)));
  EXPECT_THAT(fresh->names(), ElementsAre("b"));
  EXPECT_FALSE(has_rollback(*fresh));
}

TEST_F(Retiring, OneThatComesBackGoesOnAsAnother) {
  const WriterId two = id_of(*two_);
  two_->make("not committed");
  two_.reset();
  pass(*one_, 31 * 24h);
  ASSERT_THAT(others(*one_), Not(Contains(two)));
  two_ = shared("two");
  pass(*two_, 1s);
  EXPECT_NE(id_of(*two_), two);
  pass(*one_, 1s);
  EXPECT_THAT(one_->names(), ElementsAre("b", "not committed"));
}

TEST_F(Retiring, WhoHasNothingThatOthersNeedMarksItselfWhenItEnds) {
  const WriterId two = id_of(*two_);
  ASSERT_TRUE(two_->run(two_->index().close()));
  pass(*one_, 1s);
  EXPECT_THAT(others(*one_), Not(Contains(two)));
  two_ = shared("two");
  EXPECT_THAT(two_->names(), ElementsAre("b"));
  EXPECT_NE(id_of(*two_), two);
  EXPECT_FALSE(has_rollback(*two_));
}

TEST_F(Retiring, WhoseLogIsNeededDoesNotMarkItself) {
  const WriterId two = id_of(*two_);
  two_->make("c");
  ASSERT_TRUE(two_->run(two_->index().close()));
  pass(*one_, 1s);
  EXPECT_THAT(others(*one_), Contains(two));
  EXPECT_THAT(one_->names(), ElementsAre("b", "c"));
}

// A fresh mount would find no head with a snapshot.
TEST_F(Retiring, TheLastOneDoesNotMarkItself) {
  ASSERT_TRUE(two_->run(two_->index().close()));
  const WriterId one = id_of(*one_);
  pass(*one_, 1s);
  ASSERT_TRUE(one_->run(one_->index().close()));
  auto fresh = shared("fresh");
  EXPECT_THAT(others(*fresh), Contains(one));
  EXPECT_THAT(fresh->names(), ElementsAre("b"));
  EXPECT_FALSE(has_rollback(*fresh));
}

TEST_F(Retiring, MarksAreForgottenAfterAYear) {
  const auto stored = [&] { return store_->blobs().at(".spotfs/writers").size(); };
  ASSERT_TRUE(two_->run(two_->index().close()));
  pass(*one_, 1s);
  const std::size_t with_mark = stored();
  pass(*one_, 366 * 24h);
  EXPECT_LT(stored(), with_mark);
  pass(*one_, 1s);
  EXPECT_LT(stored(), with_mark);
  auto fresh = shared("fresh");
  EXPECT_THAT(fresh->names(), ElementsAre("b"));
  EXPECT_FALSE(has_rollback(*fresh));
  EXPECT_FALSE(has_rollback(*one_));
}

}  // namespace
}  // namespace spotfs
