#include "fs/tree/root.hpp"
#include "fs/tree/symlink.hpp"
#include "fs/tree/text_file.hpp"
#include "tests/unit/tree/tree_fixture.hpp"

namespace spotfs::tree {
namespace {

using testing::ElementsAre;

class NodesTest : public TreeTest {
 protected:
  NodePtr text(std::string content) {
    return std::make_shared<TextFile>([content] { return spot::to_bytes(content); }, 0444, access());
  }
};

TEST_F(NodesTest, RootShowsItsSubtreesInTheOrderOfBytes) {
  const NodePtr root = make_root({{"self", text("")}, {"blobs", text("")}, {"Z", text("")}}, access());
  EXPECT_THAT(names(root), ElementsAre("Z", "blobs", "self"));
  const auto rest = run(root->list(user(), "Z", 1)).value();
  ASSERT_EQ(rest.size(), 1U);
  EXPECT_EQ(rest[0].name, "blobs");
}

TEST_F(NodesTest, NameOfARootIsOneNode) {
  const NodePtr file = text("x");
  const NodePtr root = make_root({{"file", file}}, access());
  EXPECT_EQ(node(root, "file"), file);
  EXPECT_EQ(errno_of(lookup(root, "none")), ENOENT);
}

TEST_F(NodesTest, RootCantBeChanged) {
  const NodePtr root = make_root({}, access());
  EXPECT_EQ(errno_of(run(root->create(user(), "a", 0644, O_WRONLY))), EPERM);
  EXPECT_EQ(errno_of(run(root->make_directory(user(), "a", 0755))), EPERM);
}

TEST_F(NodesTest, SpaceOfTheRootIsWhatTheMountSays) {
  Space space;
  space.blocks = 12;
  EXPECT_EQ(run(make_root({}, access(), [space] { return space; })->space(user()))->blocks, 12U);
}

TEST_F(NodesTest, TextFileHasItsExactSize) { EXPECT_EQ(stat(text("12345")).size, 5U); }

TEST_F(NodesTest, TextIsMadeWhenTheFileIsOpened) {
  int made = 0;
  const NodePtr file =
      std::make_shared<TextFile>([&] { return spot::to_bytes(std::to_string(++made)); }, 0444, access());
  const auto first = open(file, O_RDONLY).value();
  EXPECT_EQ(read(file).value(), "2");
  EXPECT_EQ(read(*first).value(), "1");
}

TEST_F(NodesTest, TextFileIsReadByWhomItsModeLets) {
  const NodePtr file = std::make_shared<TextFile>([] { return Bytes{}; }, 0400, access());
  EXPECT_EQ(errno_of(open(file, O_RDONLY)), 0);
  EXPECT_EQ(errno_of(open(file, O_RDONLY, user(1001))), EACCES);
  EXPECT_EQ(errno_of(open(file, O_WRONLY)), EACCES);
}

TEST_F(NodesTest, KernelChecksWhereItHasDefaultPermissions) {
  Access by_kernel = access();
  by_kernel.kernel_checks = true;
  const NodePtr file = std::make_shared<TextFile>([] { return Bytes{}; }, 0400, by_kernel);
  EXPECT_EQ(errno_of(open(file, O_RDONLY, user(1001))), 0);
}

TEST_F(NodesTest, SymlinkTellsItsTarget) {
  const NodePtr link = std::make_shared<Symlink>("../elsewhere", access());
  EXPECT_EQ(run(link->read_link(user())).value(), "../elsewhere");
  EXPECT_EQ(stat(link).size, 12U);
}

TEST(AccessTest, OnlyTheOwnerChangesTheModeAndSetsOtherTimesThanNow) {
  Access access;
  Attributes file;
  file.mode = S_IFREG | 0666;
  file.uid = 1;
  const Caller owner{1, 1, 0, 0}, other{2, 2, 0, 0};
  AttributeChanges mode;
  mode.mode = 0600;
  EXPECT_TRUE(access.check(file, owner, mode));
  EXPECT_EQ(access.check(file, other, mode).error().value(), EPERM);
  AttributeChanges now;
  now.mtime = TimeChange{Time{}, true};
  EXPECT_TRUE(access.check(file, other, now));
  now.mtime->now = false;
  EXPECT_EQ(access.check(file, other, now).error().value(), EPERM);
  EXPECT_TRUE(access.check(file, owner, now));
}

TEST(AccessTest, OnlyRootGivesFilesAway) {
  Access access;
  Attributes file;
  file.mode = S_IFREG | 0666;
  file.uid = 1;
  AttributeChanges change;
  change.uid = 2;
  EXPECT_EQ(access.check(file, Caller{1, 1, 0, 0}, change).error().value(), EPERM);
  EXPECT_TRUE(access.check(file, Caller{0, 0, 0, 0}, change));
}

TEST(AccessTest, WhoMayNotWriteMayNotTruncate) {
  Access access;
  Attributes file;
  file.mode = S_IFREG | 0644;
  file.uid = 1;
  AttributeChanges change;
  change.size = 0;
  EXPECT_EQ(access.check(file, Caller{2, 2, 0, 0}, change).error().value(), EACCES);
}

}  // namespace
}  // namespace spotfs::tree
