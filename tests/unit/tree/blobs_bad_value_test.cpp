// A value that is not to be trusted is no content, and stands in nobody's way.
#include "tests/unit/tree/blobs_fixture.hpp"

namespace spotfs::tree {
namespace {

enum class Bad { no_bottle, swapped, swapped_reference, other_store, rolled_back, plain };

class BlobsBadValueTest : public BlobsTest, public testing::WithParamInterface<Bad> {
 protected:
  // "a" has a bad value, and what was known of it is not in memory.
  void make_bad() {
    if (GetParam() == Bad::plain) options_.plain = PlainValues::none;
    mount();
    put(root_, "a", "good");
    put(root_, "b", "other");
    put(root_, "c", std::string(100'000, 'c'));
    const Bytes first = bottle("a");
    const auto file = open(node(root_, "a"), O_WRONLY).value();
    write(*file, 0, "GOOD");
    EXPECT_EQ(errno_of(flush(*file)), 0);
    release(*file);
    switch (GetParam()) {
      case Bad::no_bottle: put_bottle("a", spot::to_bytes("no bottle")); break;
      case Bad::swapped: put_bottle("a", bottle("b")); break;
      case Bad::swapped_reference: put_bottle("a", bottle("c")); break;
      case Bad::other_store: {
        BlobId other{};
        other[0] = 1;
        put_bottle("a", ValueSealer{keys_, other}.seal("a", index_->draw(), spot::view("else")).value());
        break;
      }
      case Bad::rolled_back: put_bottle("a", first); break;
      case Bad::plain: put_plain("a", "theirs"); break;
    }
    remount();
  }
};

TEST_P(BlobsBadValueTest, IsRefusedAndLogged) {
  make_bad();
  EXPECT_EQ(errno_of(text(root_, "a")), EBADMSG);
  EXPECT_TRUE(logged("blobs/a: "));
}

TEST_P(BlobsBadValueTest, CanBeRemoved) {
  make_bad();
  EXPECT_EQ(unlink(root_, "a"), 0);
  EXPECT_THAT(names(root_), testing::ElementsAre("b", "c"));
  EXPECT_EQ(is_stored("a"), GetParam() == Bad::plain);  // which another client has stored since
}

TEST_P(BlobsBadValueTest, CanBeReplacedByARename) {
  make_bad();
  EXPECT_EQ(rename(root_, "b", root_, "a"), 0);
  EXPECT_EQ(stored_text("a"), "other");
  EXPECT_EQ(text(root_, "a").value(), "other");
}

TEST_P(BlobsBadValueTest, CanBeTruncated) {
  make_bad();
  const auto file = open(node(root_, "a"), O_WRONLY | O_TRUNC);
  ASSERT_TRUE(file);
  write(**file, 0, "new");
  EXPECT_EQ(errno_of(flush(**file)), 0);
  release(**file);
  EXPECT_EQ(stored_text("a"), "new");
  EXPECT_EQ(text(root_, "a").value(), "new");
}

TEST_P(BlobsBadValueTest, StaysWhereItsTruncationCouldNotBeStored) {
  make_bad();
  watch("a", Verb::store);
  const auto file = open(node(root_, "a"), O_WRONLY | O_TRUNC);
  ASSERT_TRUE(file);
  EXPECT_EQ(errno_of(flush(**file)), ENETDOWN);
  release(**file);
  store_->set_plan({});
  EXPECT_EQ(errno_of(text(root_, "a")), EBADMSG);
}

TEST_P(BlobsBadValueTest, CanBeTruncatedByItsPath) {
  make_bad();
  AttributeChanges changes;
  changes.size = 0;
  EXPECT_EQ(errno_of(run(node(root_, "a")->set_attributes(user(), changes, nullptr))), 0);
  EXPECT_EQ(text(root_, "a").value(), "");
}

INSTANTIATE_TEST_SUITE_P(Kinds, BlobsBadValueTest,
                         testing::Values(Bad::no_bottle, Bad::swapped, Bad::swapped_reference, Bad::other_store,
                                         Bad::rolled_back, Bad::plain));

TEST_F(BlobsTest, BadValueUnderANewNameIsListedAndCanBeRemoved) {
  mount();
  put_bottle("a", spot::to_bytes("no bottle"));
  EXPECT_EQ(errno_of(lookup(root_, "a")), 0);
  EXPECT_EQ(unlink(root_, "a"), 0);
  EXPECT_FALSE(is_stored("a"));
}

}  // namespace
}  // namespace spotfs::tree
