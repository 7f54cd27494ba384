// blobs/ as a disk.
#include "tests/unit/tree/blobs_fixture.hpp"

namespace spotfs::tree {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST_F(BlobsTest, FileThatIsClosedIsStoredUnderItsKey) {
  mount();
  EXPECT_EQ(put(mkdir(root_, "notes"), "a", "hello"), 0);
  EXPECT_EQ(stored_text("notes/a"), "hello");
}

TEST_F(BlobsTest, FileIsReadBack) {
  mount();
  put(root_, "a", "hello");
  EXPECT_EQ(text(root_, "a").value(), "hello");
  EXPECT_EQ(stat(node(root_, "a")).size, 5U);
}

TEST_F(BlobsTest, ListingIsTheSameAfterARemount) {
  mount();
  put(mkdir(root_, "notes"), "a", "one");
  put(root_, "b", "three");
  const std::uint64_t number = stat(node(root_, "b")).inode;
  remount();
  EXPECT_THAT(names(root_), ElementsAre("b", "notes"));
  EXPECT_THAT(names(node(root_, "notes")), ElementsAre("a"));
  EXPECT_EQ(stat(node(root_, "b")).size, 5U);
  EXPECT_EQ(stat(node(root_, "b")).inode, number);
  EXPECT_EQ(text(root_, "b").value(), "three");
}

TEST_F(BlobsTest, FileThatWasNeverWrittenIsASealedEmptyMessage) {
  mount();
  EXPECT_EQ(put(root_, "empty", ""), 0);
  EXPECT_EQ(stored("empty").value().content->size(), 0U);
  remount();
  EXPECT_EQ(text(root_, "empty").value(), "");
}

TEST_F(BlobsTest, InodeHasTheVersionOfItsValue) {
  mount();
  put(root_, "a", "hello");
  const auto entry = index_->lookup_now(kBlobs, "a").value();
  EXPECT_EQ(entry.inode->version, stored("a").value().version);
  EXPECT_EQ(entry.inode->size(), 5U);
}

TEST_F(BlobsTest, AppendGoesToTheEndOfTheFile) {
  mount();
  put(root_, "a", "one");
  const auto file = open(node(root_, "a"), O_WRONLY | O_APPEND).value();
  Write more{0, spot::to_bytes("two")};
  more.append = true;
  EXPECT_EQ(run(file->write(user(), more)).value(), 3U);
  EXPECT_EQ(errno_of(flush(*file)), 0);
  EXPECT_EQ(stored_text("a"), "onetwo");
}

TEST_F(BlobsTest, WriteBeyondTheEndLeavesZeros) {
  mount();
  put(root_, "a", "x");
  const auto file = open(node(root_, "a"), O_WRONLY).value();
  write(*file, 3, "y");
  flush(*file);
  EXPECT_EQ(stored_text("a"), (std::string{"x\0\0y", 4}));
}

TEST_F(BlobsTest, TruncateOfAPathIsStoredAtOnce) {
  mount();
  put(root_, "a", "hello");
  AttributeChanges changes;
  changes.size = 2;
  EXPECT_EQ(run(node(root_, "a")->set_attributes(user(), changes, nullptr))->size, 2U);
  EXPECT_EQ(stored_text("a"), "he");
}

TEST_F(BlobsTest, WhoHasAFileOpenForWritingMayTruncateIt) {
  mount();
  put(root_, "a", "hello");
  const NodePtr file = node(root_, "a");
  const auto opened = open(file, O_WRONLY).value();
  AttributeChanges mode, size;
  mode.mode = 0400;
  size.size = 1;
  run(file->set_attributes(user(), mode, nullptr));
  EXPECT_EQ(errno_of(run(file->set_attributes(user(), size, opened))), 0);
  EXPECT_EQ(errno_of(run(file->set_attributes(user(), size, nullptr))), EACCES);
  EXPECT_EQ(errno_of(flush(*opened)), 0);
  EXPECT_EQ(stored_text("a"), "h");
}

TEST_F(BlobsTest, OpenThatTruncatesEmptiesTheFile) {
  mount();
  put(root_, "a", "hello");
  const auto file = open(node(root_, "a"), O_WRONLY | O_TRUNC).value();
  EXPECT_EQ(stat(node(root_, "a")).size, 0U);
  EXPECT_EQ(errno_of(flush(*file)), 0);
  EXPECT_EQ(stored_text("a"), "");
}

TEST_F(BlobsTest, UnlinkDeletesTheValue) {
  mount();
  put(root_, "a", "hello");
  EXPECT_EQ(unlink(root_, "a"), 0);
  EXPECT_FALSE(is_stored("a"));
  EXPECT_THAT(names(root_), IsEmpty());
  EXPECT_EQ(errno_of(lookup(root_, "a")), ENOENT);
}

TEST_F(BlobsTest, UnlinkedFileThatIsOpenGoesOnAndStoresNothing) {
  mount();
  put(root_, "a", "hello");
  const NodePtr node_of_a = node(root_, "a");
  const auto file = open(node_of_a, O_RDWR).value();
  unlink(root_, "a");
  write(*file, 0, "J");
  EXPECT_EQ(errno_of(flush(*file)), 0);
  release(*file);
  EXPECT_EQ(read(*file).value(), "Jello");
  EXPECT_FALSE(is_stored("a"));
  EXPECT_EQ(stat(node_of_a).links, 0U);
}

TEST_F(BlobsTest, FileThatTakesTheNameOfAnUnlinkedOneIsAnother) {
  mount();
  put(root_, "a", "one");
  const NodePtr old = node(root_, "a");
  unlink(root_, "a");
  put(root_, "a", "two");
  EXPECT_NE(node(root_, "a"), old);
  EXPECT_EQ(text(root_, "a").value(), "two");
}

TEST_F(BlobsTest, NameIsTheSameNodeForAsLongAsAnyoneHasIt) {
  mount();
  put(root_, "a", "one");
  const NodePtr held = node(root_, "a");
  EXPECT_EQ(node(root_, "a"), held);
}

TEST_F(BlobsTest, RenameStoresAtTheNewKeyAndDeletesTheOldOne) {
  mount();
  put(root_, "a", "hello");
  const NodePtr moved = node(root_, "a");
  EXPECT_EQ(rename(root_, "a", mkdir(root_, "d"), "b"), 0);
  EXPECT_FALSE(is_stored("a"));
  EXPECT_EQ(stored_text("d/b"), "hello");
  EXPECT_EQ(node(node(root_, "d"), "b"), moved);
  EXPECT_EQ(read(moved).value(), "hello");
  remount();
  EXPECT_EQ(text(node(root_, "d"), "b").value(), "hello");
  EXPECT_THAT(names(root_), ElementsAre("d"));
}

TEST_F(BlobsTest, RenameOverAFileReplacesIt) {
  mount();
  put(root_, "a", "new");
  put(root_, "b", "old");
  const auto old = open(node(root_, "b"), O_RDWR).value();
  EXPECT_EQ(rename(root_, "a", root_, "b"), 0);
  EXPECT_EQ(stored_text("b"), "new");
  EXPECT_EQ(read(*old).value(), "old");
  write(*old, 0, "OLD");
  EXPECT_EQ(errno_of(flush(*old)), 0);
  EXPECT_EQ(stored_text("b"), "new");
}

TEST_F(BlobsTest, RenameTakesWhatIsNotStoredYetWithIt) {
  mount();
  put(root_, "a", "one");
  const auto file = open(node(root_, "a"), O_WRONLY).value();
  write(*file, 0, "two");
  EXPECT_EQ(rename(root_, "a", root_, "b"), 0);
  EXPECT_EQ(stored_text("b"), "two");
  write(*file, 0, "2");
  EXPECT_EQ(errno_of(flush(*file)), 0);
  EXPECT_EQ(stored_text("b"), "2wo");
  EXPECT_FALSE(is_stored("a"));
}

TEST_F(BlobsTest, RenameKeepsTheTimeOfTheContent) {
  mount();
  put(root_, "a", "x");
  const Time before = stat(node(root_, "a")).mtime;
  clock_.pass(std::chrono::hours{1});
  rename(root_, "a", root_, "b");
  EXPECT_EQ(stat(node(root_, "b")).mtime, before);
}

TEST_F(BlobsTest, RenameWithoutReplaceLeavesWhatIsThere) {
  mount();
  put(root_, "a", "one");
  put(root_, "b", "two");
  EXPECT_EQ(rename(root_, "a", root_, "b", RenameMode::no_replace), EEXIST);
  EXPECT_EQ(stored_text("b"), "two");
  EXPECT_EQ(rename(root_, "a", root_, "c", RenameMode::no_replace), 0);
}

TEST_F(BlobsTest, DirectoriesDoNotMoveAndNothingIsExchanged) {
  mount();
  mkdir(root_, "d");
  put(root_, "a", "x");
  put(root_, "b", "y");
  EXPECT_EQ(rename(root_, "d", root_, "e"), EXDEV);
  EXPECT_EQ(rename(root_, "a", root_, "b", RenameMode::exchange), EXDEV);
  EXPECT_EQ(rename(root_, "a", root_, "d"), EISDIR);
}

TEST_F(BlobsTest, MovesIntoAnotherSubtreeAreAcrossDevices) {
  mount();
  put(root_, "a", "x");
  const NodePtr elsewhere = std::make_shared<FixedDirectory>(std::vector<NamedNode>{}, 0755, access());
  EXPECT_EQ(rename(root_, "a", elsewhere, "a"), EXDEV);
}

TEST_F(BlobsTest, ThereAreNoHardLinksAndOnlyFiles) {
  mount();
  put(root_, "a", "x");
  EXPECT_EQ(errno_of(run(root_->link(user(), node(root_, "a"), "b"))), EPERM);
  EXPECT_EQ(errno_of(run(root_->make_symlink(user(), "s", "a"))), EPERM);
  EXPECT_EQ(errno_of(run(root_->make_node(user(), "f", S_IFIFO | 0644, 0))), EPERM);
  EXPECT_EQ(errno_of(run(root_->make_node(user(), "r", S_IFREG | 0644, 0))), 0);
  EXPECT_EQ(text(root_, "r").value(), "");
}

TEST_F(BlobsTest, OnlyEmptyDirectoriesAreRemoved) {
  mount();
  put(mkdir(root_, "d"), "a", "x");
  EXPECT_EQ(errno_of(run(root_->remove_directory(user(), "d"))), ENOTEMPTY);
  unlink(node(root_, "d"), "a");
  EXPECT_EQ(errno_of(run(root_->remove_directory(user(), "d"))), 0);
  EXPECT_EQ(unlink(root_, "d"), ENOENT);
}

TEST_F(BlobsTest, WhatIsADirectoryIsNotUnlinked) {
  mount();
  mkdir(root_, "d");
  EXPECT_EQ(unlink(root_, "d"), EISDIR);
}

TEST_F(BlobsTest, AttributesStayAfterARemount) {
  mount();
  put(root_, "a", "x");
  AttributeChanges changes;
  changes.mode = 0600;
  changes.mtime = TimeChange{Time{std::chrono::seconds{1'000}}, false};
  changes.gid = 4;
  EXPECT_EQ(errno_of(run(node(root_, "a")->set_attributes(Caller{0, 0, 0, 0}, changes, nullptr))), 0);
  remount();
  const Attributes after = stat(node(root_, "a"));
  EXPECT_EQ(after.mode, static_cast<mode_t>(S_IFREG | 0600));
  EXPECT_EQ(after.mtime, Time{std::chrono::seconds{1'000}});
  EXPECT_EQ(after.gid, 4U);
  EXPECT_EQ(after.uid, 1000U);
}

TEST_F(BlobsTest, TimeThatIsSetBeforeTheCloseStandsAfterIt) {
  mount();
  const auto created = run(root_->create(user(), "a", 0644, O_WRONLY)).value();
  write(*created.opened.file, 0, "x");
  AttributeChanges changes;
  changes.mtime = TimeChange{Time{std::chrono::seconds{1'000}}, false};
  run(created.entry.node->set_attributes(user(), changes, created.opened.file));
  flush(*created.opened.file);
  EXPECT_EQ(stat(created.entry.node).mtime, Time{std::chrono::seconds{1'000}});
}

TEST_F(BlobsTest, ModesAreForTheOwnerToChangeAndForAllToObey) {
  mount();
  put(root_, "a", "x");
  AttributeChanges changes;
  changes.mode = 0400;
  EXPECT_EQ(errno_of(run(node(root_, "a")->set_attributes(user(1001), changes, nullptr))), EPERM);
  EXPECT_EQ(errno_of(run(node(root_, "a")->set_attributes(user(), changes, nullptr))), 0);
  EXPECT_EQ(errno_of(open(node(root_, "a"), O_RDONLY, user(1001))), EACCES);
  EXPECT_EQ(errno_of(open(node(root_, "a"), O_WRONLY)), EACCES);
  EXPECT_EQ(errno_of(run(root_->create(user(1001), "b", 0644, O_WRONLY))), EACCES);
}

TEST_F(BlobsTest, UserAttributesAreKeptUpTo1024Bytes) {
  mount();
  put(root_, "a", "x");
  const NodePtr file = node(root_, "a");
  EXPECT_EQ(errno_of(run(file->set_xattr(user(), "user.k", spot::to_bytes("v"), XattrMode::create))), 0);
  EXPECT_EQ(errno_of(run(file->set_xattr(user(), "user.k", spot::to_bytes("w"), XattrMode::create))), EEXIST);
  EXPECT_EQ(errno_of(run(file->set_xattr(user(), "user.big", Bytes(1'024), XattrMode::either))), ENOSPC);
  EXPECT_EQ(errno_of(run(file->set_xattr(user(), "trusted.k", {}, XattrMode::either))), EOPNOTSUPP);
  remount();
  EXPECT_EQ(spot::to_string(run(node(root_, "a")->get_xattr(user(), "user.k")).value()), "v");
  EXPECT_THAT(run(node(root_, "a")->list_xattrs(user())).value(), ElementsAre("user.k"));
  EXPECT_EQ(errno_of(run(node(root_, "a")->remove_xattr(user(), "user.k"))), 0);
  EXPECT_EQ(errno_of(run(node(root_, "a")->get_xattr(user(), "user.k"))), ENODATA);
}

TEST_F(BlobsTest, KeysThatCanBeNoneAreRefused) {
  mount();
  EXPECT_EQ(put(root_, "{a", "x"), EILSEQ);
  EXPECT_EQ(errno_of(lookup(root_, "{a")), EILSEQ);
  EXPECT_EQ(put(root_, "\xff", "x"), EILSEQ);
  EXPECT_EQ(errno_of(run(root_->make_directory(user(), ".spotfs", 0755))), EPERM);
  EXPECT_EQ(put(mkdir(root_, "d"), "{a", "x"), 0);
  EXPECT_EQ(stored_text("d/{a"), "x");
}

TEST_F(BlobsTest, KeysEndAt960Bytes) {
  mount();
  const std::string part(250, 'k');
  const NodePtr deep = mkdir(mkdir(mkdir(root_, part), part), part);  // 752 bytes
  EXPECT_EQ(put(deep, std::string(207, 'n'), "x"), 0);
  EXPECT_EQ(put(deep, std::string(208, 'n'), "x"), ENAMETOOLONG);
  EXPECT_EQ(errno_of(run(deep->make_directory(user(), std::string(206, 'n'), 0755))), ENAMETOOLONG);
}

TEST_F(BlobsTest, FsyncBringsTheValueAndTheIndexToTheDisk) {
  mount();
  const auto created = run(root_->create(user(), "a", 0644, O_WRONLY)).value();
  write(*created.opened.file, 0, "x");
  const auto synced = std::make_shared<int>(0);
  store_->set_plan([synced](Verb verb, const std::string&) -> asio::awaitable<Fate> {
    if (verb == Verb::sync) ++*synced;
    co_return Fate::done;
  });
  EXPECT_EQ(errno_of(run(created.opened.file->fsync(user(), false))), 0);
  EXPECT_EQ(stored_text("a"), "x");
  EXPECT_EQ(*synced, 1);
}

TEST_F(BlobsTest, SpaceIsWhatTheMountSays) {
  options_.space = [] {
    Space space;
    space.blocks = 9;
    return space;
  };
  mount();
  EXPECT_EQ(run(root_->space(user()))->blocks, 9U);
}

}  // namespace
}  // namespace spotfs::tree
