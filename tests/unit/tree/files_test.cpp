#include <linux/falloc.h>

#include "tests/unit/tree/files_fixture.hpp"

namespace spotfs::tree {
namespace {

TEST_F(FilesTest, KeepsWhatIsWrittenThroughARemount) {
  mount();
  EXPECT_EQ(put(root_, "file", "hello"), 0);
  EXPECT_EQ(read_text("file"), "hello");
  remount();
  EXPECT_EQ(read_text("file"), "hello");
  EXPECT_EQ(names(root_), std::vector<std::string>{"file"});
}

TEST_F(FilesTest, KeepsAFileOfManyChunks) {
  mount();
  std::string content;
  for (int i = 0; content.size() < 500'000; ++i) content += std::to_string(i) + "\n";
  EXPECT_EQ(put(root_, "large", content), 0);
  remount();
  EXPECT_EQ(read_text("large"), content);
  EXPECT_EQ(stat(node(root_, "large")).size, content.size());
}

TEST_F(FilesTest, TellsTheStoreNoNameAndNoContent) {
  mount();
  EXPECT_EQ(put(mkdir(root_, "secret directory"), "secret name", "secret content"), 0);
  ASSERT_TRUE(run(index_->commit()));
  for (const auto& [key, bottle] : store_->blobs()) {
    EXPECT_TRUE(key.starts_with(".spotfs/")) << key;
    EXPECT_EQ(spot::to_string(bottle).find("secret"), std::string::npos) << key;
  }
}

TEST_F(FilesTest, CreatesWithoutTheStore) {
  mount();
  store_->set_plan([](Verb, const std::string&) -> asio::awaitable<Fate> { co_return Fate::failed; });
  EXPECT_TRUE(run(root_->create(user(), "empty", 0644, O_WRONLY)));
  mkdir(root_, "directory");
  EXPECT_TRUE(run(root_->make_symlink(user(), "link", "target")));
  EXPECT_EQ(names(root_), (std::vector<std::string>{"directory", "empty", "link"}));
}

TEST_F(FilesTest, ReportsAtCloseThatAStoreFailed) {
  mount();
  EXPECT_EQ(put(root_, "file", "old"), 0);
  store_->set_plan([](Verb verb, const std::string&) -> asio::awaitable<Fate> {
    co_return verb == Verb::store ? Fate::failed : Fate::done;
  });
  const auto file = open(node(root_, "file"), O_WRONLY).value();
  ASSERT_TRUE(write(*file, 0, "new"));
  EXPECT_EQ(errno_of(flush(*file)), ENETDOWN);
  release(*file);
  EXPECT_EQ(read_text("file"), "old");
  EXPECT_TRUE(logged("files/file: not stored, the old content stands"));
  store_->set_plan({});
  remount();
  EXPECT_EQ(read_text("file"), "old");
}

TEST_F(FilesTest, ShowsWhatIsNotStoredYet) {
  mount();
  const Result<Created> created = run(root_->create(user(), "file", 0644, O_RDWR));
  OpenFile& file = *created->opened.file;
  ASSERT_TRUE(write(file, 100'000, "end"));
  EXPECT_EQ(stat(node(root_, "file")).size, 100'003u);
  EXPECT_EQ(read(file)->size(), 100'003u);
  release(file);
}

TEST_F(FilesTest, AppendsAtTheEnd) {
  mount();
  EXPECT_EQ(put(root_, "log", "one\n"), 0);
  const auto file = open(node(root_, "log"), O_WRONLY | O_APPEND).value();
  Write more{0, spot::to_bytes("two\n")};
  more.append = true;
  ASSERT_TRUE(run(file->write(user(), std::move(more))));
  release(*file);
  EXPECT_EQ(read_text("log"), "one\ntwo\n");
}

TEST_F(FilesTest, KeepsAnUnlinkedFileForWhoHasItOpen) {
  mount();
  EXPECT_EQ(put(root_, "file", "content"), 0);
  const auto file = open(node(root_, "file"), O_RDWR).value();
  EXPECT_EQ(unlink(root_, "file"), 0);
  EXPECT_EQ(read(*file).value(), "content");
  ASSERT_TRUE(write(*file, 0, "CON"));
  EXPECT_TRUE(flush(*file));
  EXPECT_EQ(read(*file).value(), "CONtent");
  release(*file);
  EXPECT_EQ(names(root_), std::vector<std::string>{});
  remount();
  EXPECT_EQ(names(root_), std::vector<std::string>{});
}

TEST_F(FilesTest, KeepsAFileWithASecondName) {
  mount();
  EXPECT_EQ(put(root_, "one", "content"), 0);
  const NodePtr file = node(root_, "one");
  ASSERT_TRUE(run(root_->link(user(), file, "two")));
  EXPECT_EQ(stat(file).links, 2u);
  EXPECT_EQ(node(root_, "two"), file);
  EXPECT_EQ(unlink(root_, "one"), 0);
  EXPECT_EQ(stat(file).links, 1u);
  const auto opened = open(file, O_WRONLY | O_TRUNC).value();
  ASSERT_TRUE(write(*opened, 0, "more"));
  release(*opened);
  remount();
  EXPECT_EQ(read_text("two"), "more");
}

TEST_F(FilesTest, MovesADirectoryWithAllThatIsInIt) {
  mount();
  const NodePtr from = mkdir(root_, "from"), to = mkdir(root_, "to");
  EXPECT_EQ(put(mkdir(from, "inner"), "file", "content"), 0);
  EXPECT_EQ(rename(from, "inner", to, "moved"), 0);
  EXPECT_EQ(text(node(to, "moved"), "file").value(), "content");
  EXPECT_EQ(rename(root_, "to", node(to, "moved"), "below"), EINVAL);
  EXPECT_EQ(rename(root_, "from", root_, "to", RenameMode::no_replace), EEXIST);
  EXPECT_EQ(rename(root_, "from", root_, "to", RenameMode::exchange), 0);
  remount();
  EXPECT_EQ(text(node(node(root_, "from"), "moved"), "file").value(), "content");
}

TEST_F(FilesTest, ReplacesAFileByARename) {
  mount();
  EXPECT_EQ(put(root_, "file", "old"), 0);
  EXPECT_EQ(put(root_, "file.new", "new"), 0);
  const auto old = open(node(root_, "file"), O_RDONLY).value();
  EXPECT_EQ(rename(root_, "file.new", root_, "file"), 0);
  EXPECT_EQ(read_text("file"), "new");
  EXPECT_EQ(read(*old).value(), "old");
}

TEST_F(FilesTest, KeepsSymlinksAndSpecialFiles) {
  mount();
  ASSERT_TRUE(run(root_->make_symlink(user(), "link", "some/where")));
  ASSERT_TRUE(run(root_->make_node(user(), "fifo", S_IFIFO | 0600, 0)));
  ASSERT_TRUE(run(root_->make_node(user(0), "null", S_IFCHR | 0666, 0x103)));
  remount();
  EXPECT_EQ(run(node(root_, "link")->read_link(user())).value(), "some/where");
  EXPECT_EQ(stat(node(root_, "link")).size, 10u);
  EXPECT_EQ(stat(node(root_, "fifo")).mode, S_IFIFO | 0600u);
  EXPECT_EQ(stat(node(root_, "null")).device, 0x103u);
}

TEST_F(FilesTest, GivesWhatIsMadeInADirectoryItsGroup) {
  mount();
  Attributes made = run(root_->make_directory(user(), "shared", 02775)).value().attributes;
  EXPECT_EQ(made.mode & 07777, 02775u);
  AttributeChanges changes;
  changes.gid = 77;
  ASSERT_TRUE(run(node(root_, "shared")->set_attributes(user(0), changes, nullptr)));
  changes = {};
  changes.mode = 02775;
  ASSERT_TRUE(run(node(root_, "shared")->set_attributes(user(0), changes, nullptr)));
  made = run(node(root_, "shared")->make_directory(user(), "inner", 0755)).value().attributes;
  EXPECT_EQ(made.gid, 77u);
  EXPECT_EQ(made.mode & 07777, 02755u);
}

TEST_F(FilesTest, CountsTheDirectoriesInADirectory) {
  mount();
  const auto links = [&](const NodePtr& of) { return stat(of).links; };
  EXPECT_EQ(links(root_), 2u);
  const NodePtr one = mkdir(root_, "one"), two = mkdir(root_, "two");
  EXPECT_EQ(put(root_, "file", ""), 0);
  mkdir(one, "inner");
  EXPECT_EQ(links(root_), 4u);
  EXPECT_EQ(rename(one, "inner", two, "inner"), 0);
  EXPECT_EQ(links(one), 2u);
  EXPECT_EQ(links(two), 3u);
  EXPECT_EQ(rename(root_, "one", two, "inner"), 0);
  EXPECT_EQ(links(root_), 3u);
  EXPECT_EQ(links(two), 3u);
  EXPECT_EQ(errno_of(run(two->remove_directory(user(), "inner"))), 0);
  EXPECT_EQ(links(two), 2u);
  remount();
  EXPECT_EQ(links(root_), 3u);
}

TEST_F(FilesTest, RefusesANameThatIsTooLong) {
  mount();
  EXPECT_EQ(errno_of(run(root_->lookup(user(), std::string(256, 'x')))), ENAMETOOLONG);
  EXPECT_EQ(errno_of(run(root_->make_directory(user(), std::string(256, 'x'), 0755))), ENAMETOOLONG);
  EXPECT_EQ(put(root_, std::string(255, '\xff'), "content"), 0);
  EXPECT_EQ(put(root_, std::string(256, 'x'), "content"), ENAMETOOLONG);
}

TEST_F(FilesTest, PunchesAndExtends) {
  mount();
  EXPECT_EQ(put(root_, "file", std::string(200'000, 'x')), 0);
  const auto file = open(node(root_, "file"), O_RDWR).value();
  ASSERT_TRUE(run(file->allocate(user(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 10, 150'000)));
  ASSERT_TRUE(run(file->allocate(user(), 0, 200'000, 5)));
  EXPECT_EQ(errno_of(run(file->allocate(user(), FALLOC_FL_COLLAPSE_RANGE, 0, 4'096))), EOPNOTSUPP);
  release(*file);
  const std::string expected =
      std::string(10, 'x') + std::string(150'000, '\0') + std::string(49'990, 'x') + std::string(5, '\0');
  EXPECT_EQ(read_text("file"), expected);
  const auto again = open(node(root_, "file"), O_RDONLY).value();
  EXPECT_EQ(run(again->seek(user(), 0, SEEK_HOLE)).value(), 45'056u);
  EXPECT_EQ(run(again->seek(user(), 50'000, SEEK_DATA)).value(), 3 * 45'056u);
  EXPECT_EQ(errno_of(run(again->seek(user(), 300'000, SEEK_DATA))), ENXIO);
}

TEST_F(FilesTest, CopiesWithoutReadingWhatItShares) {
  mount();
  const std::string content(10 * 45'056 + 9, 'x');
  EXPECT_EQ(put(root_, "from", content), 0);
  const Time before = stat(node(root_, "from")).mtime;
  clock_.pass(std::chrono::hours{1});
  const auto from = open(node(root_, "from"), O_RDONLY).value();
  const Result<Created> to = run(root_->create(user(), "to", 0644, O_WRONLY));
  const std::size_t blobs = store_->blobs().size();
  EXPECT_EQ(run(to->opened.file->copy_range(user(), from, 0, 0, content.size())).value(), content.size());
  EXPECT_TRUE(flush(*to->opened.file));
  EXPECT_LE(store_->blobs().size(), blobs + 1);  // the index
  release(*to->opened.file);
  EXPECT_EQ(stat(node(root_, "from")).mtime, before);
  EXPECT_EQ(index_->inode_now(index_->lookup_now(kRoot, "from")->id).value()->flags, kSharedChunks);
  EXPECT_EQ(index_->inode_now(index_->lookup_now(kRoot, "to")->id).value()->flags, kSharedChunks);
  remount();
  EXPECT_EQ(read_text("to"), content);
}

TEST_F(FilesTest, KeepsAtMostSoMuchThatIsNotStored) {
  options_.dirty = std::make_shared<DirtyContent>(200'000);
  mount();
  const Result<Created> created = run(root_->create(user(), "file", 0644, O_RDWR));
  OpenFile& file = *created->opened.file;
  for (std::uint64_t i = 0; i < 40; ++i) {  // not in order, so that nothing is sent by itself
    ASSERT_TRUE(write(file, (39 - i) * 45'056, std::string(40'000, 'x')));
    EXPECT_LE(options_.dirty->total(), 240'000u);
  }
  EXPECT_TRUE(flush(file));
  EXPECT_EQ(options_.dirty->total(), 0u);
  release(file);
  EXPECT_EQ(stat(node(root_, "file")).size, 39u * 45'056 + 40'000);
}

TEST_F(FilesTest, GoesOnWithASaveWhoseCallerIsInterrupted) {
  mount();
  const Result<Created> created = run(root_->create(user(), "file", 0644, O_RDWR));
  ASSERT_TRUE(write(*created->opened.file, 0, "content"));
  auto gate = std::make_shared<spot::Event>();
  store_->set_plan([gate](Verb, const std::string&) -> asio::awaitable<Fate> {
    co_await spot::Event::wait(gate);
    co_return Fate::done;
  });
  auto closing = begin(created->opened.file->flush(user()));
  settle();
  closing.interrupt();
  EXPECT_EQ(errno_of(finish(closing)), EINTR);
  gate->set();
  settle();
  release(*created->opened.file);
  remount();
  EXPECT_EQ(read_text("file"), "content");
}

TEST_F(FilesTest, StaysGoneWhenItIsUnlinkedDuringASave) {
  mount();
  EXPECT_EQ(put(root_, "file", "old"), 0);
  const auto file = open(node(root_, "file"), O_WRONLY).value();
  ASSERT_TRUE(write(*file, 0, "new"));
  auto gate = std::make_shared<spot::Event>();
  store_->set_plan([gate](Verb verb, const std::string&) -> asio::awaitable<Fate> {
    if (verb == Verb::store) co_await spot::Event::wait(gate);
    co_return Fate::done;
  });
  auto closing = begin(file->flush(user()));
  settle();
  ASSERT_TRUE(run(index_->unlink(kRoot, "file")));  // as one that the file has not heard of yet
  gate->set();
  EXPECT_TRUE(finish(closing));
  EXPECT_EQ(names(root_), std::vector<std::string>{});
}

TEST_F(FilesTest, LetsOthersWriteWhereAFileThatCouldNotBeStoredIsStillOpen) {
  options_.dirty = std::make_shared<DirtyContent>(200'000);
  mount();
  EXPECT_EQ(put(root_, "file", "old"), 0);
  const auto reader = open(node(root_, "file"), O_RDONLY).value();
  store_->set_plan([](Verb verb, const std::string&) -> asio::awaitable<Fate> {
    co_return verb == Verb::store ? Fate::failed : Fate::done;
  });
  const auto writer = open(node(root_, "file"), O_WRONLY).value();
  ASSERT_TRUE(write(*writer, 1, std::string(190'000, 'x')));
  EXPECT_TRUE(read(*reader));  // and has what was written
  release(*writer);
  store_->set_plan({});
  EXPECT_EQ(put(root_, "other", std::string(190'000, 'x')), 0);
  EXPECT_EQ(read(*reader).value(), "old");
  release(*reader);
}

TEST_F(FilesTest, CopiesInPartsWhatItCannotShare) {
  mount();
  const std::string content(3'000'000, 'x');
  EXPECT_EQ(put(root_, "from", content), 0);
  const auto from = open(node(root_, "from"), O_RDONLY).value();
  const Result<Created> to = run(root_->create(user(), "to", 0644, O_WRONLY));
  std::uint64_t done = 0;
  while (done < content.size() - 1) {
    const auto copied = run(to->opened.file->copy_range(user(), from, done + 1, done, content.size()));
    ASSERT_TRUE(copied);
    ASSERT_LE(*copied, std::size_t{1} << 20);
    done += *copied;
  }
  release(*to->opened.file);
  EXPECT_EQ(stat(node(root_, "to")).size, content.size() - 1);
}

TEST_F(FilesTest, ReadsAheadOfWhoReadsOn) {
  mount();
  EXPECT_EQ(put(root_, "file", std::string(60 * 45'056, 'x')), 0);
  remount();
  const auto file = open(node(root_, "file"), O_RDONLY).value();
  for (std::uint64_t offset = 0; offset < 131'072 * 3; offset += 131'072) {
    ASSERT_TRUE(run(file->read(user(), offset, 131'072)));
    settle();
  }
  EXPECT_TRUE(file->read_now(131'072 * 3, 131'072));
  // A random read fetches nothing else.
  const auto random = open(node(root_, "file"), O_RDONLY).value();
  ASSERT_TRUE(run(random->read(user(), 50 * 45'056, 4'096)));
  settle();
  EXPECT_FALSE(random->read_now(52 * 45'056, 4'096));
}

TEST_F(FilesTest, ShowsWhatLostItsPlace) {
  mount();
  EXPECT_EQ(lookup(root_, "lost+found").error(), fail(ENOENT));
  NewInode inode;
  inode.mode = 0600;
  ASSERT_TRUE(run(index_->make(kLostFound, "#1", std::move(inode))));
  EXPECT_EQ(put(root_, "a", ""), 0);
  EXPECT_EQ(put(root_, "z", ""), 0);
  EXPECT_EQ(names(root_), (std::vector<std::string>{"a", "lost+found", "z"}));
  EXPECT_EQ(stat(root_).links, 3u);
  EXPECT_EQ(names(node(root_, "lost+found")), std::vector<std::string>{"#1"});
  EXPECT_EQ(errno_of(run(root_->make_directory(user(), "lost+found", 0755))), EEXIST);
  EXPECT_EQ(unlink(node(root_, "lost+found"), "#1"), 0);
  EXPECT_EQ(names(root_), (std::vector<std::string>{"a", "z"}));
  EXPECT_EQ(stat(root_).links, 2u);
}

TEST_F(FilesTest, AddsTheRestOfTheDiskNothing) {
  mount();
  EXPECT_EQ(put(blobs_.node, "key", "value"), 0);
  EXPECT_EQ(names(root_), std::vector<std::string>{});
  EXPECT_EQ(errno_of(run(blobs_.node->rename(user(), "key", root_, "key", RenameMode::replace))), EXDEV);
}

TEST_F(FilesTest, RefusesALinkFromAnotherSubtree) {
  mount();
  EXPECT_EQ(put(blobs_.node, "key", "value"), 0);
  EXPECT_EQ(errno_of(run(root_->link(user(), node(blobs_.node, "key"), "file"))), EXDEV);
}

}  // namespace
}  // namespace spotfs::tree
