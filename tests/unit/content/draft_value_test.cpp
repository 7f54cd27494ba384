#include "tests/unit/content/draft_fixture.hpp"

namespace spotfs {
namespace {

// Drafts whose content is a value as long as it has at most a chunk's bytes.
class DraftValue : public DraftTest {
 protected:
  std::shared_ptr<Draft> over(const Bytes& value, std::size_t limit = kChunkSize) {
    const auto store = content();
    return std::make_shared<Draft>(store, ContentReader{store, std::make_shared<const Bytes>(value)}, Draft::Dirty{},
                                   limit);
  }
};

TEST_F(DraftValue, IsSavedAsItsBytes) {
  const auto file = over({});
  write(*file, 0, pattern(kChunkSize));
  const Draft::Saved saved = save(*file);
  EXPECT_EQ(*saved.value, pattern(kChunkSize));
  EXPECT_FALSE(saved.reference);
  EXPECT_EQ(blobs(), 0u);
  EXPECT_FALSE(file->is_changed());
  EXPECT_EQ(file->dirty(), 0u);
}

TEST_F(DraftValue, IsReadAndChangedInMemory) {
  const auto file = over(pattern(1'000));
  Bytes after = pattern(1'000);
  EXPECT_EQ(file->read_now(10, 20), Bytes(after.begin() + 10, after.begin() + 30));
  write(*file, 5, Bytes(3));
  std::fill_n(after.begin() + 5, 3, std::uint8_t{0});
  EXPECT_EQ(*save(*file).value, after);
  EXPECT_EQ(blobs(), 0u);
}

TEST_F(DraftValue, BecomesChunksWhereItGrows) {
  const auto file = over(pattern(1'000));
  write(*file, kChunkSize, Bytes{1});
  const Draft::Saved saved = save(*file);
  EXPECT_FALSE(saved.value);
  Bytes after = pattern(1'000);
  after.resize(kChunkSize);
  after.push_back(1);
  EXPECT_EQ(read_again(saved.reference), after);
}

TEST_F(DraftValue, ThatIsLongerThanTheLimitBecomesChunks) {
  const auto file = over(pattern(2'000), 1'000);
  const Draft::Saved saved = save(*file);
  EXPECT_EQ(read_again(saved.reference), pattern(2'000));
}

TEST_F(DraftValue, OfSeveralChunksIsReadInAll) {
  const auto file = over(pattern(kChunkSize + 100));
  EXPECT_EQ(file->read_now(0, 2 * kChunkSize), pattern(kChunkSize + 100));
  write(*file, 0, Bytes{7});
  Bytes after = pattern(kChunkSize + 100);
  after[0] = 7;
  EXPECT_EQ(read_again(save(*file).reference), after);
}

TEST_F(DraftValue, TakesThePlaceOfChunksWhereItShrinks) {
  const auto file = over({});
  write(*file, 0, pattern(3 * kChunkSize));
  save(*file);
  ASSERT_TRUE(file->resize(10));
  const Bytes all = pattern(3 * kChunkSize);
  EXPECT_EQ(*save(*file).value, Bytes(all.begin(), all.begin() + 10));
  EXPECT_EQ(read(*file, 0, 100).size(), 10u);
}

TEST_F(DraftValue, IsNotChangedByAWriteDuringItsSave) {
  const auto file = over({});
  write(*file, 0, pattern(100));
  const Draft::Saved saved = run(file->save()).value();
  write(*file, 0, Bytes(100));
  file->named(saved);
  EXPECT_EQ(*saved.value, pattern(100));
  EXPECT_EQ(read(*file, 0, 100), Bytes(100));
  EXPECT_EQ(*save(*file).value, Bytes(100));
}

TEST_F(DraftValue, LeavesNothingOfWhatWasStoredToMakeRoom) {
  const auto file = over({});
  write(*file, 0, pattern(100));
  ASSERT_TRUE(run(file->shed()));
  EXPECT_EQ(file->dirty(), 0u);
  EXPECT_EQ(blobs(), 1u);
  EXPECT_EQ(*save(*file).value, pattern(100));
  EXPECT_EQ(blobs(), 0u);
  EXPECT_EQ(read(*file, 0, 100), pattern(100));
}

}  // namespace
}  // namespace spotfs
