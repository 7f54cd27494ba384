#include "fs/content/draft.hpp"

#include <random>

#include <gtest/gtest.h>

#include "fs/store/memory.hpp"
#include "tests/fake/run_on.hpp"

namespace spotfs {
namespace {

using Fate = MemoryStore::Fate;
using Verb = MemoryStore::Verb;

class DraftTest : public testing::Test {
 protected:
  template <class T>
  T run(asio::awaitable<T> work) {
    return spot::fake::run_on(context_, std::move(work));
  }
  void settle() {
    context_.restart();
    while (context_.poll() > 0) {
    }
  }

  std::shared_ptr<ContentStore> content(std::size_t memory = 1 << 20) {
    return std::make_shared<ContentStore>(context_.get_executor(), store_, cipher_, memory);
  }
  std::shared_ptr<Draft> draft(const std::optional<Reference>& base = {}) {
    return std::make_shared<Draft>(content(), base);
  }
  void write(Draft& draft, std::uint64_t offset, Bytes data) {
    const Answer<void> done = run(draft.write(offset, std::move(data)));
    ASSERT_TRUE(done) << done.error().code.message();
  }
  Draft::Saved save(Draft& draft) {
    Draft::Saved saved = run(draft.save()).value();
    draft.named(saved);
    settle();
    return saved;
  }
  Bytes read(Draft& draft, std::uint64_t offset, std::size_t size) { return run(draft.read(offset, size)).value(); }
  // By someone who has nothing in memory.
  Bytes read_again(const std::optional<Reference>& reference) {
    const auto again = draft(reference);
    return read(*again, 0, static_cast<std::size_t>(again->size()));
  }
  static Bytes pattern(std::size_t size, unsigned seed = 1) {
    std::mt19937 random{seed};
    Bytes out(size);
    for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(random() % 255 + 1);
    return out;
  }
  std::size_t blobs() const { return store_->blobs().size(); }
  // Counts what is asked of the store, and gives each store that fate.
  void watch(Fate stores = Fate::done) {
    fetches_ = stores_ = erases_ = 0;
    store_->set_plan([this, stores](Verb verb, const std::string&) -> asio::awaitable<Fate> {
      (verb == Verb::fetch ? fetches_ : verb == Verb::store ? stores_ : erases_)++;
      co_return verb == Verb::store ? stores : Fate::done;
    });
  }

  asio::io_context context_{1};
  std::shared_ptr<MemoryStore> store_ = std::make_shared<MemoryStore>();
  std::shared_ptr<const ContentCipher> cipher_ =
      std::make_shared<const ContentCipher>(BlobId{1}, spot::SecretBytes(32, 7));
  int fetches_ = 0, stores_ = 0, erases_ = 0;
};

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
  EXPECT_EQ(run(file->seek(all.size(), true)).error().code, Errc::not_found);
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

// The same operations on a draft and on a plain sequence of bytes.
class DraftModel : public DraftTest, public testing::WithParamInterface<unsigned> {
 protected:
  std::size_t place() {
    // Often at the edges of chunks.
    const std::size_t chunk = random_() % 7 * kChunkSize;
    return random_() % 2 == 0 ? chunk + random_() % kChunkSize : chunk + random_() % 3 - (chunk == 0 ? 0 : 1);
  }
  std::size_t length() { return random_() % 3 == 0 ? random_() % (3 * kChunkSize) + 1 : random_() % 300 + 1; }

  void step() {
    switch (random_() % 12) {
      case 0:
      case 1:
      case 2: {
        const std::size_t at = place();
        const Bytes data = pattern(length(), static_cast<unsigned>(random_()));
        write(*file_, at, data);
        model_.resize(std::max(model_.size(), at + data.size()));
        std::ranges::copy(data, model_.begin() + static_cast<std::ptrdiff_t>(at));
        break;
      }
      case 3: {
        const Bytes data = pattern(length(), static_cast<unsigned>(random_()));
        ASSERT_TRUE(run(file_->write(std::nullopt, data)));
        model_.insert(model_.end(), data.begin(), data.end());
        if (model_.size() > 12 * kChunkSize) cut(place());
        break;
      }
      case 4: cut(place()); break;
      case 5: {
        const std::size_t begin = place(), end = begin + length();
        ASSERT_TRUE(run(file_->punch(begin, end)));
        for (std::size_t i = begin; i < std::min(end, model_.size()); ++i) model_[i] = 0;
        break;
      }
      case 6: {
        if (!saved_) break;
        const std::uint64_t chunk = random_() % chunk_count(saved_->size) * kChunkSize;
        const std::size_t to = random_() % 2 == 0 ? random_() % 5 * kChunkSize : place();
        const std::uint64_t size = std::min<std::uint64_t>(saved_->size - chunk, length() * 2);
        const Bytes before = read_again(saved_);
        ASSERT_TRUE(run(file_->copy(*saved_, chunk, to, size)));
        model_.resize(std::max<std::size_t>(model_.size(), to + size));
        std::copy_n(before.begin() + static_cast<std::ptrdiff_t>(chunk), size,
                    model_.begin() + static_cast<std::ptrdiff_t>(to));
        break;
      }
      case 7: settle(); break;
      case 8: ASSERT_TRUE(run(file_->shed())); break;
      case 9: {  // a save, during which the writer goes on
        if (under_way_) break;
        under_way_ = run(file_->save()).value();
        ASSERT_EQ(read_again(under_way_->reference), model_);
        break;
      }
      case 10: {
        if (!under_way_) break;
        file_->named(*under_way_);
        saved_ = under_way_->reference;
        under_way_.reset();
        break;
      }
      case 11: {  // someone who opens it anew
        if (under_way_) break;
        saved_ = save(*file_).reference;
        ASSERT_FALSE(file_->is_changed());
        ASSERT_EQ(file_->dirty(), 0u);
        if (random_() % 2 == 0) file_ = draft(saved_);
        break;
      }
      default: break;
    }
  }
  void cut(std::size_t size) {
    ASSERT_TRUE(file_->resize(size));
    model_.resize(size);
  }

  std::mt19937 random_{GetParam()};
  Bytes model_;
  std::shared_ptr<Draft> file_ = draft();
  std::optional<Draft::Saved> under_way_;
  std::optional<Reference> saved_;
};

TEST_P(DraftModel, IsTheSameAsASequenceOfBytes) {
  for (int i = 0; i < 400; ++i) {
    step();
    ASSERT_FALSE(HasFatalFailure()) << "step " << i;
    ASSERT_EQ(file_->size(), model_.size()) << "step " << i;
    ASSERT_TRUE(read(*file_, 0, model_.size() + 1) == model_) << "step " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, DraftModel, testing::Range(1u, 13u));

}  // namespace
}  // namespace spotfs
