#include "tests/unit/content/draft_fixture.hpp"

namespace spotfs {
namespace {

// The same operations on a draft and on a plain sequence of bytes. Every second one has values where it is small.
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
        ASSERT_EQ(read_whole(*over(*under_way_)), model_);
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
        const Draft::Saved saved = save(*file_);
        saved_ = saved.reference;
        ASSERT_FALSE(file_->is_changed());
        ASSERT_EQ(file_->dirty(), 0u);
        if (random_() % 2 == 0) file_ = over(saved);
        break;
      }
      default: break;
    }
  }
  void cut(std::size_t size) {
    ASSERT_TRUE(file_->resize(size));
    model_.resize(size);
  }

  std::shared_ptr<Draft> draft_over(const std::shared_ptr<ContentStore>& store, ContentReader base) {
    return std::make_shared<Draft>(store, std::move(base), Draft::Dirty{}, limit_);
  }
  std::shared_ptr<Draft> over(const Draft::Saved& saved) {
    const auto store = content();
    if (saved.value) return draft_over(store, ContentReader{store, saved.value});
    return draft_over(store, ContentReader{store, saved.reference});
  }
  Bytes read_whole(Draft& draft) { return read(draft, 0, static_cast<std::size_t>(draft.size())); }

  std::mt19937 random_{GetParam()};
  const std::optional<std::size_t> limit_ = GetParam() % 2 == 0 ? std::optional<std::size_t>{kChunkSize} : std::nullopt;
  Bytes model_;
  std::shared_ptr<Draft> file_ = over(Draft::Saved{});
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
