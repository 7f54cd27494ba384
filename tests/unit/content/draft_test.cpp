#include "tests/unit/content/draft_fixture.hpp"

namespace spotfs {
namespace {

TEST_F(DraftTest, OfNothingIsEmpty) {
  const auto empty = draft();
  EXPECT_FALSE(empty->is_changed());
  EXPECT_EQ(read(*empty, 0, 10), Bytes{});
  EXPECT_EQ(run(empty->save()).value().reference, std::nullopt);
  EXPECT_EQ(blobs(), 0u);
}

TEST_F(DraftTest, KeepsASmallContentInOneChunk) {
  const auto file = draft();
  write(*file, 0, spot::to_bytes("hello"));
  const auto saved = save(*file);
  EXPECT_EQ(saved.reference->size, 5u);
  EXPECT_EQ(saved.reference->level, 0);
  EXPECT_EQ(blobs(), 1u);
  EXPECT_EQ(read_again(saved.reference), spot::to_bytes("hello"));
  EXPECT_FALSE(file->is_changed());
  EXPECT_EQ(file->dirty(), 0u);
}

TEST_F(DraftTest, SendsWhatASequentialWriterLeavesBehind) {
  const auto file = draft();
  const Bytes all = pattern(10 * kChunkSize);
  for (std::size_t at = 0; at < all.size(); at += 4'096) {
    write(*file, at,
          Bytes(all.begin() + static_cast<std::ptrdiff_t>(at), all.begin() + static_cast<std::ptrdiff_t>(at + 4'096)));
    settle();
    EXPECT_LT(file->dirty(), 2 * kChunkSize);
  }
  EXPECT_EQ(blobs(), 10u);
  watch();
  const auto saved = save(*file);
  EXPECT_EQ(stores_, 1);  // the index
  EXPECT_EQ(read_again(saved.reference), all);
}

TEST_F(DraftTest, StoresOnlyWhatChanged) {
  const auto file = draft();
  Bytes all = pattern(100 * kChunkSize);
  write(*file, 0, all);
  save(*file);
  watch();
  write(*file, 50 * kChunkSize + 7, {1, 2, 3});
  const auto saved = save(*file);
  EXPECT_EQ(stores_, 2);  // a chunk and the index
  std::ranges::copy(Bytes{1, 2, 3}, all.begin() + 50 * kChunkSize + 7);
  EXPECT_EQ(read_again(saved.reference), all);
}

TEST_F(DraftTest, ThatIsMadeItsOwnHasNoChunkOfItsBase) {
  const auto file = draft();
  Bytes all = pattern(10 * kChunkSize + 5);
  write(*file, 0, all);
  const auto before = save(*file);
  const MemoryStore::Blobs old = store_->blobs();
  const auto copy = draft(before.reference);
  // A part of a chunk, a cut that grows again, a hole.
  write(*copy, 3 * kChunkSize + 7, {1, 2, 3});
  ASSERT_TRUE(copy->resize(8 * kChunkSize + 100));
  ASSERT_TRUE(copy->resize(9 * kChunkSize));
  ASSERT_TRUE(run(copy->punch(kChunkSize, 2 * kChunkSize)));
  const Bytes expected = read(*copy, 0, 9 * kChunkSize);
  ASSERT_TRUE(run(copy->own()));
  EXPECT_EQ(read(*copy, 0, 9 * kChunkSize), expected);
  const auto saved = save(*copy);
  MemoryStore::Blobs left = store_->blobs();
  for (const auto& [key, bottle] : old) left.erase(key);
  store_->set_blobs(std::move(left));
  EXPECT_EQ(read_again(saved.reference), expected);
}

TEST_F(DraftTest, CannotBeMadeItsOwnWhereAChunkIsGone) {
  const auto file = draft();
  write(*file, 0, pattern(3 * kChunkSize));
  const auto before = save(*file);
  const auto copy = draft(before.reference);
  write(*copy, 0, {1});
  store_->set_blobs({});
  EXPECT_EQ(run(copy->own()).error().code, Errc::not_found);
}

TEST_F(DraftTest, FetchesOnlyWhatARandomReadNeeds) {
  const auto file = draft();
  const Bytes all = pattern(100 * kChunkSize);
  write(*file, 0, all);
  const auto saved = save(*file);
  watch();
  const auto again = draft(saved.reference);
  EXPECT_EQ(read(*again, 70 * kChunkSize + 5, 3),
            Bytes(all.begin() + 70 * kChunkSize + 5, all.begin() + 70 * kChunkSize + 8));
  EXPECT_EQ(fetches_, 2);  // the index and a chunk
  EXPECT_TRUE(again->read_now(70 * kChunkSize, kChunkSize));
  EXPECT_FALSE(again->read_now(71 * kChunkSize, 1));
}

TEST_F(DraftTest, FetchesTogetherWhatOneReadNeeds) {
  const auto file = draft();
  write(*file, 0, pattern(8 * kChunkSize));
  const auto saved = save(*file);
  int at_once = 0, most = 0;
  store_->set_plan([&](Verb, const std::string&) -> asio::awaitable<Fate> {
    most = std::max(most, ++at_once);
    co_await asio::post(asio::use_awaitable);
    co_await asio::post(asio::use_awaitable);
    --at_once;
    co_return Fate::done;
  });
  read(*draft(saved.reference), 0, 8 * kChunkSize);
  EXPECT_GE(most, 4);
}

TEST_F(DraftTest, IsFetchedOnceForAllWhoAsk) {
  const auto file = draft();
  write(*file, 0, pattern(100));
  const auto saved = save(*file);
  const auto shared = content();
  const auto one = std::make_shared<Draft>(shared, saved.reference),
             other = std::make_shared<Draft>(shared, saved.reference);
  watch();
  int answers = 0;
  for (const auto& reader : {one, other, one}) {
    asio::co_spawn(context_, reader->read(0, 100), [&](const std::exception_ptr&, const Answer<Bytes>& bytes) {
      answers += bytes && bytes->size() == 100 ? 1 : 0;
    });
  }
  settle();
  EXPECT_EQ(answers, 3);
  EXPECT_EQ(fetches_, 1);
}

TEST_F(DraftTest, ShowsZerosWhereNothingWasWritten) {
  const auto file = draft();
  write(*file, 3 * kChunkSize + 10, spot::to_bytes("end"));
  const auto saved = save(*file);
  EXPECT_EQ(blobs(), 2u);  // a chunk and the index: no block for holes
  Bytes expected(3 * kChunkSize + 13);
  std::ranges::copy(spot::to_bytes("end"), expected.end() - 3);
  EXPECT_EQ(read_again(saved.reference), expected);
}

TEST_F(DraftTest, HoldsATerabyteOfNothing) {
  const auto file = draft();
  ASSERT_TRUE(file->resize(std::uint64_t{1} << 40));
  write(*file, (std::uint64_t{1} << 39) + 5, spot::to_bytes("in the middle"));
  const auto saved = save(*file);
  EXPECT_EQ(saved.reference->level, 3);
  EXPECT_LE(blobs(), 4u);
  const auto again = draft(saved.reference);
  EXPECT_EQ(again->size(), std::uint64_t{1} << 40);
  EXPECT_EQ(spot::to_string(read(*again, (std::uint64_t{1} << 39) + 5, 13)), "in the middle");
  EXPECT_EQ(read(*again, 1 << 20, 3), Bytes(3));
  EXPECT_EQ(run(again->seek(0, false)).value() / kChunkSize, ((std::uint64_t{1} << 39) + 5) / kChunkSize);
  EXPECT_EQ(run(again->seek(0, true)).value(), 0u);
}

TEST_F(DraftTest, GrowsAndShrinksThroughAllLevels) {
  const auto file = draft();
  const std::uint64_t far = kIndexFanOut * kChunkSize + 100;
  write(*file, 0, spot::to_bytes("start"));
  save(*file);
  write(*file, far, spot::to_bytes("far"));
  auto saved = save(*file);
  EXPECT_EQ(saved.reference->level, 2);
  auto again = draft(saved.reference);
  EXPECT_EQ(spot::to_string(read(*again, 0, 5)), "start");
  EXPECT_EQ(spot::to_string(read(*again, far, 5)), "far");
  ASSERT_TRUE(again->resize(2 * kChunkSize));
  saved = save(*again);
  EXPECT_EQ(saved.reference->level, 1);
  again = draft(saved.reference);
  ASSERT_TRUE(again->resize(3));
  saved = save(*again);
  EXPECT_EQ(saved.reference->level, 0);
  EXPECT_EQ(spot::to_string(read_again(saved.reference)), "sta");
}

TEST_F(DraftTest, DoesNotBringBackWhatWasCutOff) {
  const auto file = draft();
  write(*file, 0, pattern(3 * kChunkSize));
  save(*file);
  ASSERT_TRUE(file->resize(kChunkSize + 10));
  ASSERT_TRUE(file->resize(3 * kChunkSize));
  Bytes expected = pattern(3 * kChunkSize);
  std::fill(expected.begin() + kChunkSize + 10, expected.end(), std::uint8_t{0});
  EXPECT_EQ(read(*file, 0, 3 * kChunkSize), expected);
  EXPECT_EQ(read_again(save(*file).reference), expected);
}

TEST_F(DraftTest, MakesHolesWhereItIsPunched) {
  const auto file = draft();
  Bytes all = pattern(6 * kChunkSize);
  write(*file, 0, all);
  save(*file);
  ASSERT_TRUE(run(file->punch(kChunkSize / 2, 4 * kChunkSize + 9)));
  std::fill(all.begin() + kChunkSize / 2, all.begin() + 4 * kChunkSize + 9, std::uint8_t{0});
  EXPECT_EQ(read(*file, 0, all.size()), all);
  const auto saved = save(*file);
  EXPECT_EQ(read_again(saved.reference), all);
  EXPECT_EQ(run(file->seek(0, true)).value(), kChunkSize);
  EXPECT_EQ(run(file->seek(kChunkSize, false)).value(), 4 * kChunkSize);
  EXPECT_EQ(run(file->seek(5 * kChunkSize, true)).value(), all.size());
  EXPECT_TRUE(Draft::is_end(run(file->seek(all.size(), true)).error()));
}

TEST_F(DraftTest, LeavesAHoleThatIsPunchedAHole) {
  const auto file = draft();
  write(*file, 5 * kChunkSize, pattern(10));
  save(*file);
  watch();
  ASSERT_TRUE(run(file->punch(10, 4'096)));
  ASSERT_TRUE(run(file->punch(kChunkSize + 5, 3 * kChunkSize + 5)));
  save(*file);
  EXPECT_LE(stores_, 1);
  EXPECT_EQ(run(file->seek(0, false)).value(), 5 * kChunkSize);
}

TEST_F(DraftTest, KeepsWhatCouldNotBeStored) {
  const auto file = draft();
  write(*file, 0, pattern(3 * kChunkSize));
  settle();
  write(*file, 0, spot::to_bytes("new"));
  watch(Fate::failed);
  EXPECT_EQ(run(file->save()).error().code, Errc::offline);
  EXPECT_EQ(read(*file, 0, 3), spot::to_bytes("new"));
  watch();
  Bytes expected = pattern(3 * kChunkSize);
  std::ranges::copy(spot::to_bytes("new"), expected.begin());
  EXPECT_EQ(read_again(save(*file).reference), expected);
}

TEST_F(DraftTest, KeepsWhatIsWrittenDuringASave) {
  const auto file = draft();
  write(*file, 0, pattern(2 * kChunkSize));
  const Draft::Saved saved = run(file->save()).value();
  write(*file, 5, spot::to_bytes("later"));
  ASSERT_TRUE(file->resize(kChunkSize + 3));
  file->named(saved);
  EXPECT_EQ(read_again(saved.reference), pattern(2 * kChunkSize));
  Bytes expected = pattern(2 * kChunkSize);
  std::ranges::copy(spot::to_bytes("later"), expected.begin() + 5);
  expected.resize(kChunkSize + 3);
  EXPECT_EQ(read(*file, 0, 2 * kChunkSize), expected);
  EXPECT_EQ(read_again(save(*file).reference), expected);
}

TEST_F(DraftTest, DoesNotPutWhatItFetchedOverWhatWasWrittenMeanwhile) {
  const auto file = draft();
  write(*file, 0, pattern(2 * kChunkSize));
  const auto again = draft(save(*file).reference);
  read(*again, kChunkSize, 1);  // the index is in memory
  std::vector<std::shared_ptr<spot::Event>> held;
  store_->set_plan([&](Verb verb, const std::string&) -> asio::awaitable<Fate> {
    if (verb == Verb::fetch) co_await spot::Event::wait(held.emplace_back(std::make_shared<spot::Event>()));
    co_return Fate::done;
  });
  bool written = false;
  asio::co_spawn(context_, again->write(5, spot::to_bytes("late")),
                 [&](const std::exception_ptr&, const Answer<void>& done) { written = done.has_value(); });
  settle();
  write(*again, 0, pattern(2 * kChunkSize, 2));
  save(*again);
  for (std::size_t i = 0; i < held.size(); ++i, settle()) held[i]->set();
  EXPECT_TRUE(written);
  store_->set_plan({});
  Bytes expected = pattern(2 * kChunkSize, 2);
  std::ranges::copy(spot::to_bytes("late"), expected.begin() + 5);
  EXPECT_EQ(read(*again, 0, expected.size()), expected);
}

TEST_F(DraftTest, DeletesWhatNobodyWasToldOf) {
  {
    const auto file = draft();
    write(*file, 0, pattern(3 * kChunkSize));
    settle();
    write(*file, 0, pattern(3 * kChunkSize, 2));
    settle();
    const auto saved = save(*file);
    EXPECT_EQ(blobs(), 4u);
    write(*file, 3 * kChunkSize, pattern(kChunkSize));
    settle();
    EXPECT_EQ(blobs(), 5u);
  }
  settle();
  EXPECT_EQ(blobs(), 4u);
}

TEST_F(DraftTest, ShedsWhatIsInMemory) {
  const auto file = draft();
  write(*file, 7, pattern(20));
  write(*file, 5 * kChunkSize, pattern(kChunkSize, 2));
  EXPECT_NE(file->dirty(), 0u);
  while (file->dirty() != 0) ASSERT_TRUE(run(file->shed()));
  EXPECT_EQ(read(*file, 7, 20), pattern(20));
  watch();
  const auto saved = save(*file);
  EXPECT_EQ(read_again(saved.reference).size(), 6 * kChunkSize);
}

TEST_F(DraftTest, SharesWholeChunksOfACopy) {
  const auto file = draft();
  const Bytes all = pattern(20 * kChunkSize + 77);
  write(*file, 0, all);
  const auto saved = save(*file);
  const auto copy = draft();
  watch();
  EXPECT_TRUE(run(copy->copy(*saved.reference, 0, 0, all.size())).value());
  EXPECT_EQ(fetches_, 1);  // the index
  const auto copied = save(*copy);
  EXPECT_EQ(stores_, 1);
  EXPECT_EQ(read_again(copied.reference), all);
  // One that fits nowhere is copied byte by byte.
  const auto odd = draft();
  EXPECT_FALSE(run(odd->copy(*saved.reference, 5, 0, 2 * kChunkSize)).value());
  EXPECT_EQ(read_again(save(*odd).reference), Bytes(all.begin() + 5, all.begin() + 5 + 2 * kChunkSize));
}

TEST_F(DraftTest, KeepsWhatIsCutOffAndPutBackFromACopyOfTheSame) {
  const std::uint64_t far = kIndexFanOut * kChunkSize;
  const auto file = draft();
  write(*file, 0, spot::to_bytes("start"));
  write(*file, far - 3, spot::to_bytes("across"));
  const Reference from = *save(*file).reference;
  for (const std::uint64_t kept : {std::uint64_t{0}, std::uint64_t{5}, far / 2, far - 1, far + 1}) {
    const auto copy = draft(from);
    ASSERT_TRUE(copy->resize(kept));
    ASSERT_TRUE(run(copy->copy(from, 0, 0, from.size)));
    const auto again = draft(save(*copy).reference);
    EXPECT_EQ(spot::to_string(read(*again, 0, 5)), "start") << kept;
    EXPECT_EQ(spot::to_string(read(*again, far - 3, 6)), "across") << kept;
    EXPECT_EQ(again->size(), from.size);
  }
}

TEST_F(DraftTest, KeepsASharedChunkThatIsCutOffAndPutBackDuringASave) {
  const auto file = draft();
  const Bytes all = pattern(3 * kChunkSize);
  write(*file, 0, all);
  const Reference from = *save(*file).reference;
  const auto copy = draft();
  ASSERT_TRUE(run(copy->copy(from, 0, 0, all.size())));
  const Draft::Saved saved = run(copy->save()).value();
  ASSERT_TRUE(copy->resize(0));
  ASSERT_TRUE(run(copy->copy(from, 0, 0, all.size())));
  copy->named(saved);
  EXPECT_EQ(read(*copy, 0, all.size()), all);
  EXPECT_EQ(read_again(save(*copy).reference), all);
}

TEST_F(DraftTest, RefusesWhatTheStoreHasSwapped) {
  const auto file = draft();
  write(*file, 0, pattern(3 * kChunkSize));
  const auto saved = save(*file);
  auto blobs = store_->blobs();
  std::swap(blobs.begin()->second, std::next(blobs.begin())->second);
  store_->set_blobs(std::move(blobs));
  EXPECT_EQ(run(draft(saved.reference)->read(0, 3 * kChunkSize)).error().code, Errc::bad_signature);
}

TEST_F(DraftTest, RefusesAContentBeyondTheLargestOffset) {
  const auto file = draft();
  EXPECT_EQ(file->resize(kMaxFileSize + 1).error().code, Errc::file_too_large);
  EXPECT_EQ(run(file->write(kMaxFileSize, {1})).error().code, Errc::file_too_large);
  ASSERT_TRUE(file->resize(kMaxFileSize));
  const auto saved = save(*file);
  EXPECT_EQ(draft(saved.reference)->size(), kMaxFileSize);
}

}  // namespace
}  // namespace spotfs
