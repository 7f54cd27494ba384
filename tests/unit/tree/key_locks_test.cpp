#include "fs/tree/blobs/key_locks.hpp"

#include "tests/unit/tree/tree_fixture.hpp"

namespace spotfs::tree {
namespace {

class KeyLocksTest : public TreeTest {
 protected:
  using Guard = Result<KeyLocks::Guard>;
  KeyLocks locks_;
};

TEST_F(KeyLocksTest, KeyIsHeldByOneAtATime) {
  std::optional<Guard> first = run(locks_.lock("a"));
  auto second = begin(locks_.lock("a"));
  auto other = begin(locks_.lock("b"));
  settle();
  EXPECT_FALSE(second.done());
  EXPECT_TRUE(other.done());
  first.reset();
  EXPECT_TRUE(finish(second));
}

TEST_F(KeyLocksTest, WhoHasGivenUpWaitingIsPassedOver) {
  std::optional<Guard> first = run(locks_.lock("a"));
  auto second = begin(locks_.lock("a")), third = begin(locks_.lock("a"));
  settle();
  second.interrupt();
  EXPECT_EQ(errno_of(finish(second)), EINTR);
  first.reset();
  settle();
  ASSERT_TRUE(third.done());
  EXPECT_TRUE(finish(third));
}

}  // namespace
}  // namespace spotfs::tree
