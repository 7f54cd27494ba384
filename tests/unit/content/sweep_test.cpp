// What a walk over all that is named leaves of contents in the trash.
#include "fs/content/sweep.hpp"

#include <gmock/gmock.h>

#include "tests/unit/content/draft_fixture.hpp"

namespace spotfs {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class SweepTest : public DraftTest {
 protected:
  Reference store(std::size_t size, unsigned seed = 1) {
    const auto file = draft();
    write(*file, 0, pattern(size, seed));
    return *save(*file).reference;
  }
  // The same but for one byte.
  Reference changed(const Reference& base, std::uint64_t offset) {
    const auto file = draft(base);
    write(*file, offset, {0});
    return *save(*file).reference;
  }
  void add(Sweep& sweep, std::int64_t number, const Reference& content) {
    ASSERT_TRUE(run(sweep.add(number, content)));
  }
  void meet(Sweep& sweep, Sweep::By by, const Reference& content) { ASSERT_TRUE(run(sweep.meet(by, content))); }
  std::vector<std::int64_t> erase(Sweep& sweep) { return run(sweep.erase()).value().over; }
};

TEST_F(SweepTest, AContentThatNobodyNamesGoesAsAWhole) {
  const Reference gone = store(5 * kChunkSize), kept = store(5 * kChunkSize, 2);
  Sweep sweep{content()};
  add(sweep, 1, gone);
  meet(sweep, Sweep::By::disk, kept);
  EXPECT_THAT(erase(sweep), ElementsAre(1));
  EXPECT_EQ(blobs(), 6u);
  EXPECT_EQ(read_again(kept), pattern(5 * kChunkSize, 2));
}

TEST_F(SweepTest, ChunksThatTheDiskNamesStay) {
  const Reference old = store(5 * kChunkSize);
  const Reference now = changed(old, 7);
  Sweep sweep{content()};
  add(sweep, 1, old);
  meet(sweep, Sweep::By::disk, now);
  EXPECT_THAT(erase(sweep), ElementsAre(1));
  EXPECT_EQ(blobs(), 6u);
  EXPECT_EQ(read_again(now).size(), 5 * kChunkSize);
}

TEST_F(SweepTest, WhatALogNamesStaysInTheTrashAsAWhole) {
  const Reference old = store(5 * kChunkSize);
  const Reference logged = changed(old, 7);
  const std::size_t before = blobs();
  Sweep sweep{content()};
  add(sweep, 1, old);
  meet(sweep, Sweep::By::history, logged);
  EXPECT_THAT(erase(sweep), IsEmpty());
  EXPECT_EQ(blobs(), before);
}

TEST_F(SweepTest, OneContentThatStaysKeepsNoOther) {
  const Reference one = store(kChunkSize), two = store(3 * kChunkSize, 2);
  Sweep sweep{content()};
  add(sweep, 1, one);
  add(sweep, 2, two);
  meet(sweep, Sweep::By::history, one);
  EXPECT_THAT(erase(sweep), ElementsAre(2));
  EXPECT_EQ(blobs(), 1u);
}

TEST_F(SweepTest, WhatIsNamedByTheDiskAndALogIsNoTrash) {
  const Reference content_of_both = store(3 * kChunkSize);
  Sweep sweep{content()};
  add(sweep, 1, content_of_both);
  meet(sweep, Sweep::By::history, content_of_both);
  meet(sweep, Sweep::By::disk, content_of_both);
  EXPECT_THAT(erase(sweep), ElementsAre(1));
  EXPECT_EQ(blobs(), 4u);
}

TEST_F(SweepTest, AnIndexThatIsNamedAndLostIsAnErrorAndOneOfTheTrashIsNot) {
  const Reference lost = store(3 * kChunkSize);
  MemoryStore::Blobs left = store_->blobs();
  left.erase(content_key(*lost.id));
  store_->set_blobs(std::move(left));
  Sweep sweep{content()};
  add(sweep, 1, lost);
  EXPECT_EQ(run(sweep.meet(Sweep::By::disk, lost)).error().code, Errc::not_found);
}

TEST_F(SweepTest, OneThatIsCutOffGoesOnTheNextTime) {
  const Reference gone = store(40 * kChunkSize);
  int erased = 0;
  store_->set_plan([&](Verb verb, std::string) -> asio::awaitable<Fate> {
    co_return verb == Verb::erase && ++erased > 10 ? Fate::failed : Fate::done;
  });
  Sweep first{content()};
  add(first, 1, gone);
  EXPECT_FALSE(run(first.erase()));
  EXPECT_GT(blobs(), 1u);
  store_->set_plan({});
  Sweep second{content()};
  add(second, 1, gone);
  EXPECT_THAT(erase(second), ElementsAre(1));
  EXPECT_EQ(blobs(), 0u);
}

}  // namespace
}  // namespace spotfs
