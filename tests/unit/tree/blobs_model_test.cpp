// The same operations on a file of blobs/ and on a plain sequence of bytes, across the inline limit and back.
#include <random>

#include "tests/unit/tree/blobs_fixture.hpp"

namespace spotfs::tree {
namespace {

constexpr std::size_t kLimit = 45'056;

class BlobsModel : public BlobsTest, public testing::WithParamInterface<unsigned> {
 protected:
  std::size_t place() {
    // Often at the limit, and at the edges of chunks beyond it.
    const std::size_t edge = random_() % 3 * kLimit;
    if (random_() % 2 == 0) return random_() % (kLimit + 1) + edge;
    const std::size_t near = random_() % 5;
    return edge + near < 2 ? 0 : edge + near - 2;
  }
  std::string data() {
    std::string out(random_() % 3 == 0 ? random_() % (2 * kLimit) + 1 : random_() % 200 + 1, '\0');
    for (char& byte : out) byte = static_cast<char>(random_() % 255 + 1);
    return out;
  }

  void reopen(int flags) {
    close();
    file_ = open(node(root_, name_), O_RDWR | flags).value();
  }
  void close() {
    if (!file_) return;
    ASSERT_EQ(errno_of(flush(*file_)), 0);
    release(*file_);
    file_.reset();
    check_value();
  }
  void check_value() {
    const Value value = stored(name_).value();
    ASSERT_EQ(value.size(), model_.size());
    ASSERT_EQ(value.reference.has_value(), model_.size() > kLimit);
  }
  void truncate(std::size_t size, const std::shared_ptr<OpenFile>& by) {
    AttributeChanges changes;
    changes.size = size;
    ASSERT_EQ(errno_of(run(node(root_, name_)->set_attributes(user(), changes, by))), 0);
    model_.resize(size);
  }

  void step() {
    switch (random_() % 10) {
      case 0:
      case 1:
      case 2: {
        const std::size_t at = place();
        const std::string bytes = data();
        ASSERT_EQ(errno_of(write(*file_, at, bytes)), 0);
        model_.resize(std::max(model_.size(), at + bytes.size()));
        model_.replace(at, bytes.size(), bytes);
        break;
      }
      case 3: {
        Write more{0, spot::to_bytes(data())};
        more.append = true;
        model_ += spot::to_string(more.data);
        ASSERT_TRUE(run(file_->write(user(), std::move(more))));
        if (model_.size() > 6 * kLimit) truncate(place(), file_);
        break;
      }
      case 4: truncate(place(), file_); break;
      case 5: truncate(random_() % 2 == 0 ? place() : random_() % 2 * kLimit, nullptr); break;
      case 6: reopen(0); break;
      case 7: {
        if (random_() % 3 != 0) break;
        reopen(O_TRUNC);
        model_.clear();
        break;
      }
      case 8: {
        const std::string to = "name" + std::to_string(random_() % 3);
        ASSERT_EQ(rename(root_, name_, root_, to), 0);
        name_ = to;
        ASSERT_TRUE(run(index_->commit()));
        break;
      }
      case 9:
        if (random_() % 3 == 0) remount_empty();
        break;
      default: break;
    }
    settle();
  }
  void remount_empty() {
    close();
    if (HasFatalFailure()) return;
    remount();
    reopen(0);
  }

  std::mt19937 random_{GetParam()};
  std::string name_ = "name";
  std::string model_;
  std::shared_ptr<OpenFile> file_;
};

TEST_P(BlobsModel, IsTheSameAsASequenceOfBytes) {
  mount();
  ASSERT_EQ(put(root_, name_, ""), 0);
  reopen(0);
  for (int i = 0; i < 250; ++i) {
    step();
    ASSERT_FALSE(HasFatalFailure()) << "step " << i;
    ASSERT_EQ(stat(node(root_, name_)).size, model_.size()) << "step " << i;
    ASSERT_TRUE(read(*file_).value() == model_) << "step " << i;
  }
  close();
  remount();
  EXPECT_TRUE(text(root_, name_).value() == model_);
}

INSTANTIATE_TEST_SUITE_P(Seeds, BlobsModel, testing::Range(1u, 9u));

}  // namespace
}  // namespace spotfs::tree
