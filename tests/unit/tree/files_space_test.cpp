// What removed and replaced contents leave in a store that nobody else can reach.
#include <set>

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

// Chunks that nothing names for long may be deleted by another mount.
class FilesOldChunks : public FilesTest {
 protected:
  void SetUp() override {
    mount();
    EXPECT_EQ(put(root_, "from", content_), 0);
    old_ = contents_now();
  }
  std::set<std::string> contents_now() const {
    std::set<std::string> out;
    for (const auto& [key, bottle] : store_->blobs()) {
      if (key.starts_with(".spotfs/c/")) out.insert(key);
    }
    return out;
  }
  void delete_old() {
    MemoryStore::Blobs blobs = store_->blobs();
    for (const std::string& key : old_) blobs.erase(key);
    store_->set_blobs(std::move(blobs));
  }
  std::shared_ptr<OpenFile> copy() {
    const auto from = open(node(root_, "from"), O_RDONLY).value();
    const Result<Created> to = run(root_->create(user(), "to", 0644, O_WRONLY));
    EXPECT_TRUE(run(to->opened.file->copy_range(user(), from, 0, 0, content_.size())));
    release(*from);
    return to->opened.file;
  }
  // As another writer does.
  void replace_content() {
    const spotfs::Entry entry = index_->lookup_now(kRoot, "from").value();
    ASSERT_TRUE(run(index_->write(entry.id, entry.inode->version, std::nullopt, spotfs::Time{}, 0)));
  }
  // By a mount that has nothing in memory.
  void read_after_the_old_are_deleted(const std::string& name, const std::string& content) {
    static_cast<void>(run(index_->commit()));
    delete_old();
    remount();
    EXPECT_EQ(read_text(name), content);
  }

  const std::string content_ = std::string(3 * 45'056 + 3, 'x');
  std::set<std::string> old_;
};

TEST_F(FilesOldChunks, AreSharedWhereTheCopyIsYoung) {
  const auto to = copy();
  clock_.pass(std::chrono::hours{11});
  EXPECT_TRUE(flush(*to));
  EXPECT_LE(contents_now().size(), old_.size() + 1);
  release(*to);
}

TEST_F(FilesOldChunks, AreStoredAgainForACopyOfLongAgo) {
  const auto to = copy();
  clock_.pass(std::chrono::hours{13});
  EXPECT_TRUE(flush(*to));
  release(*to);
  read_after_the_old_are_deleted("to", content_);
}

TEST_F(FilesOldChunks, AreStoredAgainWhereAnotherWriterHasReplacedThem) {
  const auto file = open(node(root_, "from"), O_RDWR).value();
  ASSERT_TRUE(write(*file, 45'056 + 3, "new"));
  replace_content();
  EXPECT_TRUE(flush(*file));
  release(*file);
  std::string expected = content_;
  expected.replace(45'056 + 3, 3, "new");
  read_after_the_old_are_deleted("from", expected);
}

TEST_F(FilesOldChunks, AreStoredAgainWhereAnotherWriterHasRemovedTheFile) {
  const auto file = open(node(root_, "from"), O_RDWR).value();
  ASSERT_TRUE(write(*file, 45'056 + 3, "new"));
  ASSERT_TRUE(run(index_->unlink(kRoot, "from")));
  const std::size_t before = contents_now().size();
  EXPECT_TRUE(flush(*file));
  EXPECT_GE(contents_now().size(), before + 4);
  release(*file);
}

TEST_F(FilesOldChunks, ThatAreGoneAreStale) {
  remount();  // nothing of it is in memory
  const auto file = open(node(root_, "from"), O_RDWR).value();
  ASSERT_TRUE(write(*file, 0, std::string(45'056, 'y')));
  replace_content();
  delete_old();
  const Result<void> flushed = flush(*file);
  EXPECT_EQ(errno_of(flushed), ESTALE);
  release(*file);
}

}  // namespace
}  // namespace spotfs::tree
