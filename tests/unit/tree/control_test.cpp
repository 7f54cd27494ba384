// The channel of `.spotfs/ctl`, status, and the commands that are no check.
#include "fs/tree/control/ctl_file.hpp"
#include "fs/tree/control/words.hpp"
#include "tests/unit/tree/control_fixture.hpp"

namespace spotfs::tree {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// --- The channel -----------------------------------------------------------------------------------------------------

TEST_F(ControlTest, ACommandEndsWithDone) {
  mount();
  const auto said = command("flush");
  ASSERT_THAT(said, SizeIs(1));
  EXPECT_TRUE(said[0].at("done").as_bool());
}

TEST_F(ControlTest, OneOpenFileTakesOneCommandAfterTheOther) {
  mount();
  const auto file = ctl();
  EXPECT_EQ(error_of(command(*file, "flush")), "");
  EXPECT_EQ(error_of(command(*file, "none")), "EINVAL");
  EXPECT_EQ(error_of(command(*file, "writers")), "");
  EXPECT_EQ(read(*file).value(), "") << "nothing was asked";
}

TEST_F(ControlTest, ACommandWithoutANewlineBeginsWhenItIsRead) {
  mount();
  const auto file = ctl();
  ASSERT_TRUE(write(*file, 0, "fl"));
  ASSERT_TRUE(write(*file, 0, "ush"));
  EXPECT_TRUE(lines(*file).at(0).contains("done"));
}

TEST_F(ControlTest, WhoOnlyWritesGetsTheOutcomeFromClose) {
  mount();
  const auto good = ctl(O_WRONLY);
  ASSERT_TRUE(flush(*good)) << "a shell closes a copy before it writes";
  ASSERT_TRUE(write(*good, 0, "flush\n"));
  EXPECT_TRUE(flush(*good));
  release(*good);
  const auto bad = ctl(O_WRONLY);
  ASSERT_TRUE(write(*bad, 0, "nonsense"));
  EXPECT_EQ(errno_of(flush(*bad)), EINVAL);
  release(*bad);
}

TEST_F(ControlTest, WhoReadsIsNotHeldUpByClose) {
  mount();
  hold(content_key({}), Verb::store);
  const auto file = ctl();
  ASSERT_TRUE(write(*file, 0, "flush\n"));
  EXPECT_TRUE(flush(*file));
}

TEST_F(ControlTest, ASecondCommandMustWait) {
  mount();
  const auto created = run(root_->create(user(), "file", 0644, O_WRONLY)).value();
  ASSERT_TRUE(write(*created.opened.file, 0, "content"));
  store_->set_plan([this](Verb verb, const std::string&) -> asio::awaitable<Fate> {
    if (verb == Verb::store && gate_) {
      ++waiting_;
      boost::system::error_code ec;
      const auto gate = gate_;
      co_await gate->async_wait(asio::redirect_error(asio::use_awaitable, ec));
    }
    co_return Fate::done;
  });
  gate_ = std::make_shared<asio::steady_timer>(context_, asio::steady_timer::time_point::max());
  const auto file = ctl();
  ASSERT_TRUE(write(*file, 0, "flush\n"));
  until_held();
  EXPECT_EQ(errno_of(write(*file, 0, "flush\n")), EBUSY);
  Pending<Result<Content>> reading = begin(file->read(user(), 0, 100));
  settle();
  EXPECT_FALSE(reading.done());
  reading.signal();
  EXPECT_EQ(errno_of(finish(reading)), EINTR);
  const auto writer = ctl(O_WRONLY);
  ASSERT_TRUE(write(*writer, 0, "flush\n"));
  Pending<Result<void>> closing = begin(writer->flush(user()));
  settle();
  EXPECT_FALSE(closing.done());
  closing.signal();
  EXPECT_EQ(errno_of(finish(closing)), EINTR);
  release(*writer);
  go();
  EXPECT_EQ(error_of(lines(*file)), "");
  release(*created.opened.file);
}

TEST_F(ControlTest, AnInterruptedWriteSaysHowMuchOfTheInputWasTaken) {
  mount();
  put_plain("key", "before");
  hold("key", Verb::fetch);
  const auto file = ctl();
  const std::string input(kMostUnread + 100'000, 'x');
  ASSERT_TRUE(write(*file, 0, "blob put key " + std::to_string(input.size()) + "\n"));
  until_held();
  Pending<Result<std::size_t>> writing = begin(file->write(user(), Write{0, spot::to_bytes(input)}));
  settle();
  ASSERT_FALSE(writing.done());
  writing.signal();
  EXPECT_EQ(finish(writing).value(), kMostUnread);
  go();
  ASSERT_TRUE(write(*file, 0, input.substr(kMostUnread)));
  EXPECT_EQ(error_of(lines(*file)), "");
  EXPECT_EQ(text(blobs_.node, "key").value(), input);
}

TEST_F(ControlTest, BytesThatBelongToNoCommandAreRefused) {
  mount();
  const auto refused = [&](const std::string& bytes) {
    const auto file = ctl();
    const int number = errno_of(write(*file, 0, bytes));
    release(*file);
    settle();
    return number;
  };
  EXPECT_EQ(refused("flush\nwriters\n"), EINVAL);
  EXPECT_EQ(refused("blob put k 2\nabc"), EINVAL);
  EXPECT_EQ(refused(std::string(kMaxLine + 1, 'x')), EMSGSIZE);
}

TEST_F(ControlTest, TheInputOfACommandThatFailedIsNoCommand) {
  mount();
  const auto file = ctl();
  ASSERT_TRUE(write(*file, 0, "blob put .spotfs/id 6\n"));
  settle();
  ASSERT_TRUE(write(*file, 0, "flush\n"));
  EXPECT_THAT(text_of(lines(*file).back(), "text"), HasSubstr("can be no key"));
  EXPECT_THAT(lines(*file), IsEmpty());
}

TEST_F(ControlTest, OnlyTheUserWhoMountedMayUseIt) {
  mount();
  const NodePtr file = node(control_, "ctl");
  EXPECT_EQ(stat(file).mode, static_cast<mode_t>(S_IFREG | 0600));
  EXPECT_EQ(errno_of(open(file, O_RDWR, user(1001))), EACCES);
  EXPECT_TRUE(open(node(control_, "status"), O_RDONLY, user(1001)));
}

TEST_F(ControlTest, UnknownCommandsAndWrongArgumentsAreExplained) {
  mount();
  EXPECT_THAT(text_of(command("dance").back(), "text"), HasSubstr("fsck"));
  EXPECT_THAT(text_of(command("blob get").back(), "text"), HasSubstr("blob get KEY"));
  EXPECT_THAT(text_of(command("blob put k many").back(), "text"), HasSubstr("many"));
  EXPECT_THAT(text_of(command("writers retire x").back(), "text"), HasSubstr("no id of a writer"));
  EXPECT_THAT(text_of(command("fsck everything").back(), "text"), HasSubstr("neither repair"));
  EXPECT_EQ(error_of(command("conflicts \"unfinished")), "EINVAL");
}

TEST_F(ControlTest, WithoutADiskCommandsAreOffline) {
  mount();
  is_there_ = false;
  for (const char* line : {"flush", "fsck", "writers", "blob ls"}) EXPECT_EQ(error_of(command(line)), "ENETDOWN");
  EXPECT_TRUE(spot::parse_json(read(node(control_, "status")).value()).value().as_object().at("disk").is_null());
}

TEST(Words, AreQuotedAndSplit) {
  for (const std::string word : {"a", "", "a b", "\"", "\\", "a\nb", "\xff\x01", "ä/b"})
    EXPECT_THAT(split_words("x " + quoted_word(word) + "  y").value(), ElementsAre("x", word, "y")) << word;
  EXPECT_THAT(split_words("  ").value(), IsEmpty());
  for (const char* wrong : {"\"a", "\"a\"b", "\"\\q\"", "\"\\x1\"", "\"\\xzz\""}) EXPECT_FALSE(split_words(wrong));
}

// --- Status, flush, writers, conflicts -------------------------------------------------------------------------------

TEST_F(ControlTest, StatusSaysWhoAndWhat) {
  mount();
  const json::object status = spot::parse_json(read(node(control_, "status")).value()).value().as_object();
  EXPECT_EQ(status.at("source"), "embedded:test");
  EXPECT_THAT(text_of(status, "identity"), testing::StartsWith("k."));
  EXPECT_EQ(text_of(status.at("disk").as_object(), "writer"), spot::base64url(index_->status().writer));
  EXPECT_EQ(parse_digest(text_of(status.at("disk").as_object(), "digest")).value(), digest_of(index_->status()));
  EXPECT_TRUE(status.at("connections").is_array());
}

TEST_F(ControlTest, StatusHasNamesForItsOwnerAlone) {
  mount();
  disk_.scrub = std::make_shared<ScrubProgress>();
  disk_.scrub->with([](ScrubStatus& scrub) { scrub.last_error = "files/secret"; });
  book_->add_error("files/secret was not stored");
  EXPECT_THAT(read(node(control_, "status")).value(), HasSubstr("secret was"));
  EXPECT_THAT(read(node(control_, "status"), user(0)).value(), HasSubstr("secret was"));
  const std::string others = read(node(control_, "status", user(1001)), user(1001)).value();
  EXPECT_THAT(others, testing::Not(HasSubstr("secret")));
  EXPECT_THAT(others, HasSubstr("\"errors\":1"));
}

TEST_F(ControlTest, FlushStoresWhatIsStillOpen) {
  mount();
  const auto file = run(root_->create(user(), "file", 0644, O_WRONLY)).value();
  ASSERT_TRUE(write(*file.opened.file, 0, "of files"));
  const auto blob = run(blobs_.node->create(user(), "blob", 0644, O_WRONLY)).value();
  ASSERT_TRUE(write(*blob.opened.file, 0, "of blobs"));
  EXPECT_EQ(error_of(command("flush")), "");
  EXPECT_EQ(stored_text("blob"), "of blobs");
  EXPECT_EQ(run(index_->lookup(kRoot, "file")).value().inode->size(), 8U);
  EXPECT_EQ(index_->status().uncommitted, 0U);
  release(*file.opened.file);
  release(*blob.opened.file);
}

TEST_F(ControlTest, FlushReportsWhatCouldNotBeStored) {
  mount();
  const auto file = run(root_->create(user(), "file", 0644, O_WRONLY)).value();
  ASSERT_TRUE(write(*file.opened.file, 0, "content"));
  store_->set_plan([](Verb verb, const std::string&) -> asio::awaitable<Fate> {
    co_return verb == Verb::store ? Fate::failed : Fate::done;
  });
  EXPECT_EQ(error_of(command("flush")), "ENETDOWN");
  store_->set_plan({});
  release(*file.opened.file);
}

TEST_F(ControlTest, WritersListsThisMount) {
  mount();
  const auto writers = of_event(command("writers"), "writer");
  ASSERT_THAT(writers, SizeIs(1));
  EXPECT_TRUE(writers[0].at("self").as_bool());
  EXPECT_EQ(text_of(writers[0], "id"), spot::base64url(index_->status().writer));
}

TEST_F(ControlTest, ConflictsListsThemBelowADirectory) {
  mount();
  const NodePtr directory = mkdir(root_, "docs");
  put(directory, "notes.conflict-20260101T000000Z-12ab", "other");
  put(directory, "notes", "mine");
  put(root_, "top.conflict-20260101T000000Z-0000.2", "");
  const auto all = of_event(command("conflicts files"), "conflict");
  ASSERT_THAT(all, SizeIs(2));
  EXPECT_EQ(text_of(all[0], "path"), "files/docs/notes.conflict-20260101T000000Z-12ab");
  EXPECT_EQ(text_of(all[0], "of"), "files/docs/notes");
  EXPECT_EQ(all[0].at("size"), 5);
  EXPECT_THAT(of_event(command("conflicts files/docs"), "conflict"), SizeIs(1));
  EXPECT_THAT(of_event(command("conflicts \"\""), "conflict"), SizeIs(2));
  EXPECT_EQ(error_of(command("conflicts files/none")), "ENOENT");
  EXPECT_EQ(error_of(command("conflicts blobs")), "EINVAL");
  EXPECT_EQ(error_of(command("conflicts files/docs/notes")), "EINVAL");
}

// --- blob ------------------------------------------------------------------------------------------------------------

class ControlBlobTest : public ControlTest {
 protected:
  static std::string value_in(const std::vector<json::object>& lines) {
    std::string out;
    for (const json::object& line : of_event(lines, "data"))
      out += spot::to_string(spot::from_any_base64(text_of(line, "base64")).value());
    return out;
  }
  std::vector<json::object> put_blob(const std::string& key, const std::string& value) {
    return command("blob put " + quoted_word(key) + " " + std::to_string(value.size()), value);
  }
};

TEST_F(ControlBlobTest, WhatIsPutIsAFileOfBlobs) {
  mount();
  EXPECT_EQ(error_of(put_blob("deep/er/key", "value")), "");
  const NodePtr directory = node(node(blobs_.node, "deep"), "er");
  EXPECT_EQ(text(directory, "key").value(), "value");
  EXPECT_EQ(stored_text("deep/er/key"), "value");
  EXPECT_EQ(error_of(put_blob("deep/er/key", "")), "");
  EXPECT_EQ(text(directory, "key").value(), "");
}

TEST_F(ControlBlobTest, WhatIsPutOrRemovedIsToldToTheKernelBeforeTheCommandEnds) {
  mount();
  EXPECT_EQ(error_of(put_blob("key", "value")), "");
  EXPECT_THAT(notifier_->names_at_wait, testing::Contains("key"));
  notifier_->names.clear();
  EXPECT_EQ(error_of(command("blob rm key")), "");
  EXPECT_THAT(notifier_->names_at_wait, testing::Contains("key"));
  EXPECT_EQ(notifier_->waits_for_all, 2);
}

TEST_F(ControlBlobTest, WhatIsAFileOfBlobsCanBeHad) {
  mount();
  const std::string content(40'000, 'x');
  put(blobs_.node, "a b\n", content);
  EXPECT_EQ(value_in(command("blob get " + quoted_word("a b\n"))), content);
  EXPECT_EQ(error_of(command("blob get none")), "ENOENT");
}

TEST_F(ControlBlobTest, KeysThatAreNoPathsWorkToo) {
  mount();
  put(mkdir(blobs_.node, "directory"), "file", "x");
  for (const std::string& key :
       std::initializer_list<std::string>{"directory", "a//b", "/", "a/./b", "a/../b", "x/" + std::string(300, 'y')}) {
    EXPECT_EQ(error_of(put_blob(key, "value of " + key)), "") << key;
    EXPECT_EQ(value_in(command("blob get " + quoted_word(key))), "value of " + key);
    EXPECT_EQ(stored_text(key), "value of " + key);
    EXPECT_EQ(error_of(command("blob rm " + quoted_word(key))), "") << key;
    EXPECT_FALSE(is_stored(key));
    EXPECT_EQ(error_of(command("blob rm " + quoted_word(key))), "ENOENT") << key;
  }
  EXPECT_EQ(text(node(blobs_.node, "directory"), "file").value(), "x");
}

TEST_F(ControlBlobTest, RemovedFilesAreGone) {
  mount();
  put(blobs_.node, "a", "x");
  EXPECT_EQ(error_of(command("blob rm a")), "");
  EXPECT_FALSE(is_stored("a"));
  EXPECT_THAT(names(blobs_.node), IsEmpty());
  EXPECT_EQ(error_of(command("blob rm a")), "ENOENT");
}

TEST_F(ControlBlobTest, ListsKeysThatBeginSo) {
  mount();
  put(blobs_.node, "a", "12345");
  put(mkdir(blobs_.node, "notes"), "b", "");
  const auto all = of_event(command("blob ls"), "blob");
  ASSERT_THAT(all, SizeIs(2));
  EXPECT_EQ(text_of(all[0], "key"), "a");
  EXPECT_EQ(all[0].at("size"), 5);
  EXPECT_EQ(text_of(all[1], "key"), "notes/b");
  EXPECT_THAT(of_event(command("blob ls no"), "blob"), SizeIs(1));
}

TEST_F(ControlBlobTest, TheDisksOwnKeysAreNotForIt) {
  mount();
  for (const char* key : {".spotfs/id", "{a"}) {
    EXPECT_EQ(error_of(command("blob get " + quoted_word(key))), "EINVAL");
    EXPECT_EQ(error_of(put_blob(key, "x")), "EINVAL");
    EXPECT_EQ(error_of(command("blob rm " + quoted_word(key))), "EINVAL");
  }
}

TEST_F(ControlBlobTest, AValueThatIsTooLargeForItsKeyIsRefused) {
  mount();
  EXPECT_EQ(error_of(put_blob("a//b", std::string(50'000, 'x'))), "EFBIG");
  EXPECT_FALSE(is_stored("a//b"));
}

TEST_F(ControlBlobTest, AnInputThatEndsTooEarlyStoresNothing) {
  mount();
  const auto file = ctl();
  ASSERT_TRUE(write(*file, 0, "blob put a//b 10\nabc"));
  settle();
  release(*file);
  settle();
  EXPECT_FALSE(is_stored("a//b"));
}

}  // namespace
}  // namespace spotfs::tree
