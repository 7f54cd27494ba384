// What stat shows of a file: size, times, blocks.
#include <linux/falloc.h>

#include "tests/unit/tree/files_fixture.hpp"

namespace spotfs::tree {
namespace {

class FileAttributes : public FilesTest {};

TEST_F(FileAttributes, IsAsLongAsWhatIsReadOfItUntilThatIsClosed) {
  mount();
  EXPECT_EQ(put(root_, "file", std::string(100'000, 'o')), 0);
  auto old = open(node(root_, "file"), O_RDONLY).value();
  const spotfs::Entry entry = index_->lookup_now(kRoot, "file").value();
  ASSERT_TRUE(run(index_->write(entry.id, entry.inode->version, std::nullopt, spotfs::Time{5, 0}, 0)));  // by another
  EXPECT_EQ(stat(node(root_, "file")).size, 100'000u);
  EXPECT_EQ(stat(node(root_, "file")).mtime, Time{std::chrono::seconds{5}});
  const Opened present = run(node(root_, "file")->open(user(), O_RDONLY)).value();
  EXPECT_TRUE(present.direct_io);
  EXPECT_EQ(read(*present.file).value(), "");
  EXPECT_EQ(stat(node(root_, "file")).size, 100'000u);
  EXPECT_TRUE(read(*old).value() == std::string(100'000, 'o'));
  release(*old);
  old.reset();
  settle();
  EXPECT_EQ(stat(node(root_, "file")).size, 0u);
}

TEST_F(FileAttributes, IsAsLongAsThisMountMadeItWhoeverReadsIt) {
  mount();
  EXPECT_EQ(put(root_, "file", std::string(100'000, 'o')), 0);
  const auto reader = open(node(root_, "file"), O_RDONLY).value();
  const auto writer = open(node(root_, "file"), O_WRONLY | O_TRUNC).value();
  ASSERT_TRUE(write(*writer, 0, "short"));
  release(*writer);
  EXPECT_EQ(stat(node(root_, "file")).size, 5u);
  EXPECT_TRUE(read(*reader).value() == "short");
}

TEST_F(FileAttributes, HasTheCtimeAfterItsCommitThatItHadAfterItsClose) {
  mount();
  const Result<Created> created = run(root_->create(user(), "file", 0644, O_RDWR));
  ASSERT_TRUE(write(*created->opened.file, 0, "content"));
  EXPECT_TRUE(flush(*created->opened.file));
  release(*created->opened.file);
  const Attributes closed = stat(node(root_, "file"));
  EXPECT_GT(closed.ctime, created->entry.attributes.ctime);
  ASSERT_TRUE(run(index_->commit()));
  EXPECT_EQ(stat(node(root_, "file")).ctime, closed.ctime);
  EXPECT_EQ(stat(node(root_, "file")).mtime, closed.mtime);
  remount();
  EXPECT_EQ(stat(node(root_, "file")).ctime, closed.ctime);
}

TEST_F(FileAttributes, HasNoLaterCtimeWhileItIsWrittenThanAfterItsClose) {
  mount();
  // The index has the machine's clock.
  clock_.pass(std::chrono::floor<std::chrono::milliseconds>(spot::Clock::system().wall() - clock_.wall()));
  const Result<Created> created = run(root_->create(user(), "file", 0644, O_RDWR));
  OpenFile& file = *created->opened.file;
  ASSERT_TRUE(write(file, 0, "content"));
  AttributeChanges changes;
  changes.mtime = TimeChange{clock_.wall() + std::chrono::hours{24 * 365 * 100}, false};
  ASSERT_TRUE(run(created->entry.node->set_attributes(user(), changes, created->opened.file)));
  const Time open = stat(node(root_, "file")).ctime;
  EXPECT_TRUE(flush(file));
  EXPECT_LE(open, stat(node(root_, "file")).ctime);
  release(file);
}

TEST_F(FileAttributes, TellsTheKernelOfTheCtimeThatACloseGave) {
  mount();
  const Result<Created> created = run(root_->create(user(), "file", 0644, O_RDWR));
  OpenFile& file = *created->opened.file;
  ASSERT_TRUE(write(file, 0, "content"));
  EXPECT_TRUE(flush(file));
  EXPECT_TRUE(notifier_->attributes.empty());  // a write makes it forget
  ASSERT_TRUE(write(file, 0, "CONTENT"));
  stat(node(root_, "file"));
  EXPECT_TRUE(flush(file));
  EXPECT_EQ(notifier_->attributes, std::vector<const Node*>{created->entry.node.get()});
  EXPECT_EQ(notifier_->waits, 1);
  release(file);
}

TEST_F(FileAttributes, TakesNoSpaceForItsHoles) {
  mount();
  const Result<Created> created = run(root_->create(user(), "sparse", 0644, O_RDWR));
  OpenFile& file = *created->opened.file;
  ASSERT_TRUE(write(file, 500'000'000, "data"));
  AttributeChanges changes;
  changes.size = 1'000'000'000;
  ASSERT_TRUE(run(created->entry.node->set_attributes(user(), changes, created->opened.file)));
  EXPECT_EQ(stat(node(root_, "sparse")).allocated, 45'056u);
  release(file);
  EXPECT_EQ(stat(node(root_, "sparse")).size, 1'000'000'000u);
  EXPECT_EQ(stat(node(root_, "sparse")).allocated, 45'056u);
  remount();
  EXPECT_EQ(stat(node(root_, "sparse")).allocated, 1'000'000'000u);  // nothing is known of holes, and nothing waits
  const auto again = open(node(root_, "sparse"), O_RDONLY).value();
  ASSERT_TRUE(run(again->read(user(), 500'000'000, 4)));
  EXPECT_EQ(stat(node(root_, "sparse")).allocated, 45'056u);
}

TEST_F(FileAttributes, TakesNoSpaceForWhatWasPunched) {
  mount();
  EXPECT_EQ(put(root_, "file", std::string(10 * 45'056, 'x')), 0);
  EXPECT_EQ(stat(node(root_, "file")).allocated, 10 * 45'056u);
  const auto file = open(node(root_, "file"), O_RDWR).value();
  ASSERT_TRUE(run(file->allocate(user(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 9 * 45'056)));
  release(*file);
  EXPECT_EQ(stat(node(root_, "file")).size, 10 * 45'056u);
  EXPECT_EQ(stat(node(root_, "file")).allocated, 45'056u);
}

}  // namespace
}  // namespace spotfs::tree
