// What removed and replaced contents leave in a store that nobody else can reach.
#include "tests/unit/tree/files_fixture.hpp"

namespace spotfs::tree {
namespace {

using FilesSpace = FilesTest;

TEST_F(FilesSpace, IsGivenBackWhenAFileIsRemoved) {
  mount();
  EXPECT_EQ(put(root_, "file", std::string(5 * 45'056, 'x')), 0);
  EXPECT_EQ(contents(), 6u);
  EXPECT_EQ(unlink(root_, "file"), 0);
  EXPECT_EQ(contents(), 0u);
}

TEST_F(FilesSpace, IsGivenBackWhenAContentIsReplaced) {
  mount();
  EXPECT_EQ(put(root_, "file", std::string(5 * 45'056, 'x')), 0);
  const auto file = open(node(root_, "file"), O_RDWR).value();
  ASSERT_TRUE(write(*file, 45'056 + 3, "new"));
  release(*file);
  EXPECT_EQ(contents(), 8u);  // `file` is still there, and with it what it was opened with
  EXPECT_EQ(read_text("file").substr(45'056, 7), "xxxnewx");
}

TEST_F(FilesSpace, IsGivenBackAfterTheLastHandle) {
  mount();
  EXPECT_EQ(put(root_, "file", std::string(5 * 45'056, 'x')), 0);
  {
    const auto file = open(node(root_, "file"), O_RDONLY).value();
    EXPECT_EQ(unlink(root_, "file"), 0);
    EXPECT_EQ(contents(), 6u);
    EXPECT_EQ(read(*file)->size(), 5u * 45'056);
    release(*file);
  }
  settle();
  EXPECT_EQ(contents(), 0u);
}

TEST_F(FilesSpace, IsGivenBackByTheNextMountWhereThisOneDidNot) {
  mount();
  EXPECT_EQ(put(root_, "file", std::string(5 * 45'056, 'x')), 0);
  EXPECT_EQ(contents(), 6u);
  store_->set_plan([](Verb verb, const std::string&) -> asio::awaitable<Fate> {
    co_return verb == Verb::erase ? Fate::failed : Fate::done;
  });
  EXPECT_EQ(unlink(root_, "file"), 0);
  EXPECT_EQ(contents(), 6u);
  store_->set_plan({});
  remount();
  settle();
  EXPECT_EQ(stored_contents(), 0u);
}

TEST_F(FilesSpace, OfARenamedOverFileIsGivenBack) {
  mount();
  EXPECT_EQ(put(root_, "old", std::string(3 * 45'056, 'x')), 0);
  EXPECT_EQ(put(root_, "new", "new"), 0);
  EXPECT_EQ(rename(root_, "new", root_, "old"), 0);
  EXPECT_EQ(contents(), 1u);
  EXPECT_EQ(read_text("old"), "new");
}

TEST_F(FilesSpace, OfAFileWithASecondNameStays) {
  mount();
  EXPECT_EQ(put(root_, "one", "content"), 0);
  ASSERT_TRUE(run(root_->link(user(), node(root_, "one"), "two")));
  EXPECT_EQ(unlink(root_, "one"), 0);
  EXPECT_EQ(contents(), 1u);
  EXPECT_EQ(unlink(root_, "two"), 0);
  EXPECT_EQ(contents(), 0u);
}

TEST_F(FilesSpace, OfSharedChunksStays) {
  mount();
  EXPECT_EQ(put(root_, "from", std::string(3 * 45'056, 'x')), 0);
  {
    const auto from = open(node(root_, "from"), O_RDONLY).value();
    const Result<Created> to = run(root_->create(user(), "to", 0644, O_WRONLY));
    ASSERT_TRUE(run(to->opened.file->copy_range(user(), from, 0, 0, 3 * 45'056)));
    release(*to->opened.file);
  }
  EXPECT_EQ(unlink(root_, "from"), 0);
  contents();
  remount();
  EXPECT_EQ(read_text("to"), std::string(3 * 45'056, 'x'));
}

TEST_F(FilesSpace, OfManyContentsOneAfterTheOtherIsOneContents) {
  mount();
  for (int i = 0; i < 30; ++i) {
    const Result<Created> file = run(root_->create(user(), "file", 0644, O_WRONLY | O_TRUNC));
    ASSERT_TRUE(write(*file->opened.file, 0, std::string(static_cast<std::size_t>(i % 4 + 1) * 45'056, 'x')));
    release(*file->opened.file);
    if (i % 3 == 0) static_cast<void>(run(index_->commit()));
    settle();
  }
  EXPECT_EQ(contents(), 3u);
  EXPECT_EQ(read_text("file").size(), 2u * 45'056);
}

}  // namespace
}  // namespace spotfs::tree
