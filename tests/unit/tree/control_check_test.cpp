// fsck and scrub: what is lost is found by its path, and repaired without a loss that nobody is told of.
#include "fs/index/names.hpp"
#include "tests/unit/lost_contents.hpp"
#include "tests/unit/tree/control_fixture.hpp"

namespace spotfs::tree {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class ControlCheckTest : public ControlTest {
 protected:
  static std::string content(std::size_t chunks) {
    std::string out;
    for (int i = 0; out.size() < chunks * kChunkSize; ++i) out += std::to_string(i) + "\n";
    out.resize(chunks * kChunkSize);
    return out;
  }
  static std::vector<std::string> paths(const std::vector<json::object>& lines, std::string_view event) {
    std::vector<std::string> out;
    for (const json::object& line : of_event(lines, event)) out.push_back(text_of(line, "path"));
    std::ranges::sort(out);
    return out;
  }
  // One whose snapshots have nodes of a few names.
  spot::Answer<std::shared_ptr<Index>> open_index() {
    IndexOptions options;
    options.store = store_;
    options.keys = keys_;
    options.state = directory_;
    options.source = "embedded:test";
    options.machine_id = "test";
    options.only_writer = true;
    options.clock = &clock_;
    options.snapshot_after = 1;
    options.snapshot_nodes = {600, 450, 150};
    return run(Index::open(context_.get_executor(), std::move(options)));
  }
  // Of directories with some files each.
  void make_snapshot(const std::vector<std::string>& directories, int files) {
    const std::shared_ptr<Index> index = open_index().value();
    NewInode made;
    made.mode = 0755;
    for (const std::string& name : directories) {
      made.kind = Kind::directory;
      const InodeId directory = run(index->make(kRoot, name, made)).value().id;
      made.kind = Kind::file;
      for (int i = 0; i < files; ++i) ASSERT_TRUE(run(index->make(directory, "file " + std::to_string(i), made)));
      clock_.pass(std::chrono::seconds{1});
    }
    clock_.pass(std::chrono::seconds{61});
    for (int again = 0; again < 2; ++again) {
      ASSERT_TRUE(run(index->commit()));
      for (int i = 0; i < 2'000; ++i) context_.poll();
    }
    ASSERT_EQ(index->status().snapshot, 1U);
    ASSERT_TRUE(run(index->close()));
  }
};

TEST_F(ControlCheckTest, AWholeDiskHasNothingToTell) {
  mount();
  put(root_, "file", content(3));
  put(mkdir(root_, "directory"), "empty", "");
  put(blobs_.node, "blob", "x");
  const auto said = command("fsck");
  EXPECT_EQ(error_of(said), "");
  EXPECT_THAT(of_event(said, "fault"), IsEmpty());
  const json::object summary = of_event(said, "summary").at(0);
  EXPECT_EQ(summary.at("faults"), 0);
  EXPECT_EQ(summary.at("files"), 4);
  EXPECT_EQ(summary.at("bytes"), 3 * kChunkSize + 1);
}

TEST_F(ControlCheckTest, WhatIsLostIsToldByPath) {
  mount();
  put(root_, "whole", content(2));
  put(root_, "missing", content(4));
  const NodePtr directory = mkdir(root_, "directory");
  put(directory, "damaged", content(1));
  put(blobs_.node, "gone", "x");
  put(blobs_.node, "wrong", "y");
  take_away_content("missing", 2);
  const auto inode = run(find_path(index_, kRoot, "directory/damaged")).value().inode;
  Bytes changed = bottle(content_key(*inode->reference->id));
  changed.back() ^= 1;
  put_bottle(content_key(*inode->reference->id), changed);
  take_away("gone");
  put_bottle("wrong", spot::to_bytes("nonsense"));
  const auto said = command("fsck");
  EXPECT_EQ(error_of(said), "EBADMSG");
  EXPECT_THAT(paths(said, "fault"),
              ElementsAre("blobs/gone", "blobs/wrong", "files/directory/damaged", "files/missing"));
  for (const json::object& line : of_event(said, "fault")) {
    if (text_of(line, "path") != "files/missing") continue;
    const json::array lost = line.at("lost").as_array().at(0).as_array();
    EXPECT_EQ(lost.at(0), 2 * kChunkSize);
    EXPECT_EQ(lost.at(1), kChunkSize);
    EXPECT_EQ(lost.at(2), "missing");
    EXPECT_EQ(line.at("whole"), (json::array{json::array{0, 2 * kChunkSize}, json::array{3 * kChunkSize, kChunkSize}}));
  }
  EXPECT_EQ(of_event(said, "summary").at(0).at("faults"), 4);
  EXPECT_THAT(of_event(said, "repair"), IsEmpty());
  EXPECT_THAT(names(root_), ElementsAre("directory", "missing", "whole"));
}

TEST_F(ControlCheckTest, RepairMovesWhatIsLeftAndDropsWhatIsNot) {
  mount();
  put(root_, "some", content(4));
  put(root_, "nothing", "x");
  put(root_, "whole", "y");
  put(blobs_.node, "gone", "x");
  put(blobs_.node, "wrong", "y");
  take_away_content("some", 1);
  take_away_content("nothing", 0);
  take_away("gone");
  put_bottle("wrong", spot::to_bytes("nonsense"));
  const auto said = command("fsck repair");
  EXPECT_EQ(error_of(said), "EBADMSG");
  std::map<std::string, std::string> actions;
  for (const json::object& line : of_event(said, "repair")) actions[text_of(line, "path")] = text_of(line, "action");
  EXPECT_THAT(actions, ElementsAre(testing::Pair("blobs/gone", "dropped"), testing::Pair("blobs/wrong", "left"),
                                   testing::Pair("files/nothing", "dropped"), testing::Pair("files/some", "moved")));
  EXPECT_THAT(names(root_), ElementsAre("lost+found", "whole"));
  EXPECT_THAT(names(node(root_, "lost+found")), ElementsAre("some"));
  EXPECT_THAT(names(blobs_.node), ElementsAre("wrong"));
  const auto again = command("fsck repair");
  EXPECT_THAT(paths(again, "fault"), ElementsAre("blobs/wrong", "files/lost+found/some"));
  EXPECT_THAT(names(node(root_, "lost+found")), ElementsAre("some"));
  const auto file = open(node(node(root_, "lost+found"), "some"), O_RDONLY).value();
  EXPECT_EQ(run(file->read(user(), 0, 5)).value().bytes().size(), 5U) << "what is whole can be read there";
}

TEST_F(ControlCheckTest, NamesInLostAndFoundAreNotTaken) {
  mount();
  const NodePtr a = mkdir(root_, "a"), b = mkdir(root_, "b");
  for (const NodePtr& directory : {a, b}) put(directory, "same", content(2));
  for (const char* path : {"a/same", "b/same"}) {
    const auto inode = run(find_path(index_, kRoot, path)).value().inode;
    take_away(content_key(run(ContentReader{options_.content, inode->reference}.find(0, 1)).value()));
  }
  EXPECT_THAT(of_event(command("fsck repair"), "repair"), SizeIs(2));
  EXPECT_THAT(names(node(root_, "lost+found")), ElementsAre("same", "same.2"));
}

TEST_F(ControlCheckTest, AFileOfSeveralNamesIsReadOnceAndToldByEach) {
  mount();
  put(root_, "one", content(3));
  ASSERT_TRUE(run(root_->link(user(), node(root_, "one"), "two")));
  const auto reference = run(index_->lookup(kRoot, "one")).value().inode->reference;
  const std::string key = content_key(run(ContentReader{options_.content, reference}.find(0, 1)).value());
  watch(key);
  EXPECT_EQ(error_of(command("fsck")), "");
  EXPECT_EQ(calls(Verb::fetch), 1U);
  take_away(key);
  EXPECT_THAT(paths(command("fsck"), "fault"), ElementsAre("files/one", "files/two"));
}

TEST_F(ControlCheckTest, WhatIsWrittenMeanwhileIsNoFault) {
  mount();
  const auto file = run(root_->create(user(), "open", 0644, O_WRONLY)).value();
  ASSERT_TRUE(write(*file.opened.file, 0, "not stored yet"));
  EXPECT_EQ(error_of(command("fsck")), "");
  release(*file.opened.file);
}

TEST_F(ControlCheckTest, AStoreThatCannotBeAskedIsNotRepaired) {
  mount();
  put(root_, "file", content(2));
  ASSERT_TRUE(run(index_->commit()));
  store_->set_plan([](Verb verb, const std::string& key) -> asio::awaitable<Fate> {
    co_return verb == Verb::fetch&& key.starts_with(".spotfs/c/") ? Fate::failed : Fate::done;
  });
  EXPECT_EQ(error_of(command("fsck repair")), "ENETDOWN");
  EXPECT_THAT(names(root_), ElementsAre("file"));
}

TEST_F(ControlCheckTest, ScrubStoresAgainWhatACacheHas) {
  mount();
  put(root_, "file", content(3));
  const auto reference = run(index_->lookup(kRoot, "file")).value().inode->reference;
  const std::string key = content_key(run(ContentReader{options_.content, reference}.find(0, 1)).value());
  const Bytes cached = bottle(key);
  disk_.restore = [this, cached](std::string lost) -> asio::awaitable<bool> {
    Bytes again = cached;
    const Answer<void> stored = co_await store_->store(std::move(lost), std::move(again));
    co_return stored.has_value();
  };
  take_away(key);
  const auto said = command("scrub");
  EXPECT_EQ(error_of(said), "");
  EXPECT_EQ(of_event(said, "summary").at(0).at("restored"), 1);
  EXPECT_TRUE(is_stored(key));
}

TEST_F(ControlCheckTest, LogsAreCheckedToo) {
  mount();
  put(root_, "file", "x");
  ASSERT_TRUE(run(index_->commit()));
  take_away(".spotfs/w/" + spot::base64url(index_->status().writer));
  const auto said = command("fsck");
  EXPECT_EQ(error_of(said), "");
  const auto faults = of_event(said, "log_fault");
  ASSERT_THAT(faults, SizeIs(1));
  EXPECT_EQ(text_of(faults[0], "why"), "missing");
  EXPECT_TRUE(faults[0].at("restored").as_bool());
  EXPECT_TRUE(is_stored(".spotfs/w/" + spot::base64url(index_->status().writer)));
}

TEST_F(ControlCheckTest, ADirectoryThatCanNotBeListedIsNamedAndTheRestChecked) {
  make_snapshot({"one", "two", "three"}, 8);
  std::size_t named = 0;
  test::without_each_content(*store_, [&](const std::string& key) {
    if (!open_index()) return;  // it has the runs, or is above all
    mount();
    const auto said = command("fsck");
    if (const auto unlisted = paths(said, "unlisted"); unlisted.size() == 1 && unlisted.front() != "files") {
      EXPECT_THAT(unlisted.front(), testing::AnyOf("files/one", "files/two", "files/three"));
      EXPECT_EQ(error_of(said), "EBADMSG");
      EXPECT_GE(of_event(said, "summary").at(0).at("files").to_number<int>(), 3 + 2 * 8);
      EXPECT_EQ(text_of(of_event(said, "log_fault").at(0), "key"), key);
      ++named;
    }
    unmount();
  });
  EXPECT_GE(named, 2U);
}

TEST_F(ControlCheckTest, TellsHowFarItIs) {
  mount();
  put(root_, "file", content(2));
  const json::object progress = of_event(command("fsck"), "progress").back();
  EXPECT_EQ(progress.at("files"), 1);
  EXPECT_EQ(progress.at("of_files"), 1);
  EXPECT_EQ(progress.at("bytes"), 2 * kChunkSize);
  EXPECT_EQ(progress.at("of_bytes"), 2 * kChunkSize);
}

TEST_F(ControlCheckTest, EndsWhenItsFileIsClosed) {
  mount();
  put(root_, "file", content(200));
  std::size_t reads = 0;
  store_->set_plan([&](Verb verb, const std::string&) -> asio::awaitable<Fate> {
    reads += verb == Verb::fetch ? 1 : 0;
    co_await asio::post(context_, asio::use_awaitable);
    co_return Fate::done;
  });
  const auto file = ctl();
  ASSERT_TRUE(write(*file, 0, "fsck\n"));
  while (reads < 10) {
    context_.restart();
    context_.run_one();
  }
  release(*file);
  settle();
  EXPECT_LT(reads, 100U);
}

}  // namespace
}  // namespace spotfs::tree
