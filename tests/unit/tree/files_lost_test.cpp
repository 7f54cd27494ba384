// What an fsync says where the relay was restarted and has lost contents that nothing here has a copy of.
#include "fs/store/durable.hpp"
#include "tests/unit/tree/files_fixture.hpp"

namespace spotfs::tree {
namespace {

class LostContents : public FilesTest {
 protected:
  LostContents() {
    DurableStore::Options settings;
    settings.store = store_;
    settings.executor = context_.get_executor();
    settings.memory = 60'000;  // the last chunk
    through_ = DurableStore::make(std::move(settings));
    mount();
    EXPECT_TRUE(run(index_->sync()));
    const MemoryStore::Blobs on_disk = store_->blobs();
    // The relay's disk is slow: no sync ends before its machine fails.
    store_->set_plan([](Verb verb, std::string) -> asio::awaitable<Fate> {
      co_return verb == Verb::sync ? Fate::failed : Fate::done;
    });
    EXPECT_EQ(put(mkdir(root_, "directory"), "lost", std::string(100'000, 'l')), 0);
    EXPECT_EQ(put(blobs_.node, "lost-value", std::string(20'000, 'v')), 0);
    EXPECT_EQ(put(root_, "large", std::string(150'000, 'f')), 0);
    EXPECT_EQ(put(root_, "kept", std::string(40'000, 'k')), 0);
    settle();
    store_->set_plan({});
    store_->restart(on_disk);
  }
  int fsync(const NodePtr& of) {
    const auto file = open(of, O_WRONLY).value();
    const int number = errno_of(run(file->fsync(user(), false)));
    release(*file);
    return number;
  }
  NodePtr lost() { return node(node(root_, "directory"), "lost"); }
};

TEST_F(LostContents, AreToldToTheFsyncOfTheirFileByName) {
  EXPECT_EQ(fsync(lost()), EIO);
  EXPECT_TRUE(logged("fsync of directory/lost: the relay has lost .spotfs/c/"));
}

TEST_F(LostContents, AreToldWithTheirKeyBelowBlobs) {
  EXPECT_EQ(fsync(node(blobs_.node, "lost-value")), EIO);
  EXPECT_TRUE(logged("fsync of blobs/lost-value: the relay has lost lost-value"));
}

TEST_F(LostContents, AreNotToldToOtherFiles) {
  EXPECT_EQ(fsync(node(root_, "kept")), 0);
  EXPECT_EQ(errno_of(run(root_->sync_directory(user()))), 0);
}

TEST_F(LostContents, AreToldWhoeverAskedFirst) {
  EXPECT_EQ(fsync(node(root_, "kept")), 0);
  EXPECT_EQ(fsync(lost()), EIO);
  EXPECT_EQ(fsync(node(root_, "large")), EIO);
  EXPECT_EQ(fsync(lost()), EIO);
}

TEST_F(LostContents, AreNotThoseOfAFileThatIsWrittenAnew) {
  EXPECT_EQ(fsync(lost()), EIO);
  const auto file = open(lost(), O_WRONLY | O_TRUNC).value();
  ASSERT_TRUE(write(*file, 0, "new"));
  EXPECT_EQ(errno_of(run(file->fsync(user(), false))), 0);
  release(*file);
  remount();
  EXPECT_EQ(text(node(root_, "directory"), "lost").value(), "new");
}

TEST_F(LostContents, DoNotHideNamesAndOtherContentsFromTheNextMount) {
  EXPECT_EQ(fsync(node(root_, "kept")), 0);
  unmount();
  std::filesystem::remove_all(directory_);
  std::filesystem::create_directory(directory_);
  through_ = store_;
  mount();
  EXPECT_EQ(names(root_), (std::vector<std::string>{"directory", "kept", "large"}));
  EXPECT_EQ(read_text("kept"), std::string(40'000, 'k'));
}

}  // namespace
}  // namespace spotfs::tree
