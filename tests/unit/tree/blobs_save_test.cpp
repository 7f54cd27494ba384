// How what is written reaches the store.
#include "tests/unit/tree/blobs_fixture.hpp"

namespace spotfs::tree {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

class BlobsSaveTest : public BlobsTest {
 protected:
  void forget_what_is_cached() { clock_.pass(options_.refresh); }
  std::shared_ptr<OpenFile> opened(const std::string& name, int flags) {
    return open(node(root_, name), flags).value();
  }
};

TEST_F(BlobsSaveTest, CloseReturnsTheOutcomeOfTheStore) {
  mount();
  put(root_, "a", "one");
  const auto file = opened("a", O_WRONLY);
  write(*file, 0, "two");
  watch("a", Verb::store);
  EXPECT_EQ(errno_of(flush(*file)), ENETDOWN);
  store_->set_plan({});
  EXPECT_EQ(errno_of(flush(*file)), 0);
  EXPECT_EQ(stored_text("a"), "two");
}

TEST_F(BlobsSaveTest, FileThatWasNotChangedIsNotStoredAgain) {
  mount();
  put(root_, "a", "one");
  const auto file = opened("a", O_RDWR);
  watch("a");
  EXPECT_EQ(errno_of(flush(*file)), 0);
  release(*file);
  EXPECT_EQ(calls(Verb::store), 0U);
}

TEST_F(BlobsSaveTest, ReleaseStoresWhatCameAfterTheLastFlush) {
  mount();
  put(root_, "a", "one");
  const auto file = opened("a", O_RDWR);
  flush(*file);
  Write by_kernel{0, spot::to_bytes("map")};
  by_kernel.from_cache = true;
  EXPECT_EQ(run(file->write(Caller{}, by_kernel)).value(), 3U);
  release(*file);
  EXPECT_EQ(stored_text("a"), "map");
}

TEST_F(BlobsSaveTest, LastReleaseDropsWhatCouldNotBeStored) {
  mount();
  put(root_, "a", "one");
  watch("a", Verb::store);
  const auto file = opened("a", O_WRONLY);
  write(*file, 0, "two, longer");
  EXPECT_EQ(errno_of(flush(*file)), ENETDOWN);
  release(*file);
  EXPECT_EQ(text(root_, "a").value(), "one");
  EXPECT_EQ(stat(node(root_, "a")).size, 3U);
  EXPECT_TRUE(logged("blobs/a: not stored"));
  EXPECT_THAT(notifier_->contents, Contains(node(root_, "a").get()));
}

TEST_F(BlobsSaveTest, FailureOfOneFileDoesNotStickToLaterOpens) {
  mount();
  put(root_, "a", "one");
  watch("a", Verb::store);
  auto file = opened("a", O_WRONLY);
  write(*file, 0, "two");
  release(*file);
  file.reset();
  const auto next = opened("a", O_RDWR);
  EXPECT_EQ(errno_of(flush(*next)), 0);
}

TEST_F(BlobsSaveTest, TruncateOfAPathThatCantBeStoredLeavesTheOldContent) {
  mount();
  put(root_, "a", "hello");
  watch("a", Verb::store);
  AttributeChanges changes;
  changes.size = 1;
  EXPECT_EQ(errno_of(run(node(root_, "a")->set_attributes(user(), changes, nullptr))), ENETDOWN);
  EXPECT_EQ(stat(node(root_, "a")).size, 5U);
}

TEST_F(BlobsSaveTest, InterruptEndsTheWaitAndNotTheStore) {
  mount();
  put(root_, "a", "one");
  const auto file = opened("a", O_WRONLY);
  write(*file, 0, "two");
  hold("a", Verb::store);
  auto closing = begin(file->flush(user()));
  until_held();
  closing.interrupt();
  EXPECT_EQ(errno_of(finish(closing)), EINTR);
  go();
  EXPECT_EQ(errno_of(flush(*file)), 0);
  EXPECT_EQ(stored_text("a"), "two");
}

TEST_F(BlobsSaveTest, ClosesThatMeetShareOneStore) {
  mount();
  put(root_, "a", "one");
  const auto one = opened("a", O_WRONLY), other = opened("a", O_WRONLY);
  write(*one, 0, "two");
  hold("a", Verb::store);
  auto first = begin(one->flush(user())), second = begin(other->flush(user()));
  until_held();
  settle();
  EXPECT_EQ(waiting_, 1);
  watch("a");
  go();
  EXPECT_EQ(errno_of(finish(first)), 0);
  EXPECT_EQ(errno_of(finish(second)), 0);
  EXPECT_EQ(calls(Verb::store), 0U);
  EXPECT_EQ(stored_text("a"), "two");
}

TEST_F(BlobsSaveTest, WriteDuringAStoreIsStoredByTheNextOne) {
  mount();
  put(root_, "a", "one");
  const auto file = opened("a", O_WRONLY);
  write(*file, 0, "two");
  hold("a", Verb::store);
  auto closing = begin(file->flush(user()));
  until_held();
  write(*file, 0, "T");
  go();
  EXPECT_EQ(errno_of(finish(closing)), 0);
  EXPECT_EQ(stored_text("a"), "two");
  EXPECT_EQ(errno_of(flush(*file)), 0);
  EXPECT_EQ(stored_text("a"), "Two");
}

TEST_F(BlobsSaveTest, UnlinkWaitsForAStoreThatHasBegun) {
  mount();
  put(root_, "a", "one");
  const auto file = opened("a", O_WRONLY);
  write(*file, 0, "two");
  hold("a", Verb::store);
  auto closing = begin(file->flush(user()));
  until_held();
  auto unlinking = begin(root_->unlink(user(), "a"));
  settle();
  EXPECT_FALSE(unlinking.done());
  go();
  EXPECT_EQ(errno_of(finish(closing)), 0);
  EXPECT_EQ(errno_of(finish(unlinking)), 0);
  EXPECT_FALSE(is_stored("a"));
}

TEST_F(BlobsSaveTest, CloseThatMeetsAnUnlinkStoresNothing) {
  mount();
  put(root_, "a", "one");
  const auto file = opened("a", O_WRONLY);
  write(*file, 0, "two");
  hold("a", Verb::erase);
  auto unlinking = begin(root_->unlink(user(), "a"));
  until_held();
  auto closing = begin(file->flush(user()));
  settle();
  go();
  EXPECT_EQ(errno_of(finish(unlinking)), 0);
  EXPECT_EQ(errno_of(finish(closing)), 0);
  EXPECT_FALSE(is_stored("a"));
}

TEST_F(BlobsSaveTest, UnlinkedFileWhoseContentIsNotInMemoryIsStale) {
  options_.cache_limit = 0;
  mount();
  put(root_, "a", "one");
  const NodePtr file = node(root_, "a");
  unlink(root_, "a");
  put_plain("a", "another's");
  EXPECT_EQ(errno_of(open(file, O_RDONLY)), ESTALE);
}

TEST_F(BlobsSaveTest, WhatWasReadStaysAsItWas) {
  mount();
  put(root_, "a", "one");
  const auto file = opened("a", O_RDWR);
  write(*file, 0, "two");
  const Content before = run(file->read(user(), 0, 10)).value();
  write(*file, 0, "six");
  EXPECT_EQ(spot::to_string(before.bytes()), "two");
  EXPECT_EQ(read(*file).value(), "six");
}

TEST_F(BlobsSaveTest, InterruptedUnlinkGoesOn) {
  mount();
  put(root_, "a", "one");
  hold("a", Verb::erase);
  auto unlinking = begin(root_->unlink(user(), "a"));
  until_held();
  unlinking.interrupt();
  EXPECT_EQ(errno_of(finish(unlinking)), EINTR);
  go();
  settle();
  EXPECT_FALSE(is_stored("a"));
  EXPECT_THAT(names(root_), IsEmpty());
}

TEST_F(BlobsSaveTest, ValueIsStoredBeforeTheIndexNamesIt) {
  mount();
  hold("a", Verb::store);
  auto creating = begin(root_->create(user(), "a", 0644, O_WRONLY));
  until_held();
  EXPECT_THAT(names(root_), IsEmpty());
  go();
  EXPECT_EQ(errno_of(finish(creating)), 0);
  EXPECT_THAT(names(root_), ElementsAre("a"));
}

TEST_F(BlobsSaveTest, NameWhoseValueCouldNotBeStoredIsNotMade) {
  mount();
  watch("a", Verb::store);
  EXPECT_EQ(put(root_, "a", "x"), ENETDOWN);
  EXPECT_THAT(names(root_), IsEmpty());
}

TEST_F(BlobsSaveTest, CreatesThatMeetMakeOneFile) {
  mount();
  hold("a", Verb::store);
  auto first = begin(root_->create(user(), "a", 0644, O_WRONLY | O_EXCL));
  until_held();
  auto second = begin(root_->create(user(), "a", 0644, O_WRONLY | O_EXCL));
  go();
  EXPECT_EQ(errno_of(finish(first)), 0);
  EXPECT_EQ(errno_of(finish(second)), EEXIST);
  const auto third = run(root_->create(user(), "a", 0644, O_WRONLY));
  EXPECT_EQ(third.value().entry.node, node(root_, "a"));
}

TEST_F(BlobsSaveTest, WritersStoreOthersContentWhereTooMuchIsDirty) {
  options_.dirty = std::make_shared<DirtyContent>(10'000);
  mount();
  put(root_, "a", "");
  put(root_, "b", "");
  const auto first = opened("a", O_WRONLY), second = opened("b", O_WRONLY);
  write(*first, 0, std::string(6'000, 'a'));
  write(*second, 0, std::string(6'000, 'b'));
  EXPECT_EQ(options_.dirty->total(), 6'000u);
  EXPECT_EQ(stored_text("a"), "");  // what is not closed is nobody's value
  EXPECT_EQ(errno_of(flush(*first)), 0);
  EXPECT_EQ(errno_of(flush(*second)), 0);
  EXPECT_EQ(stored_text("a"), std::string(6'000, 'a'));
  EXPECT_EQ(stored_text("b"), std::string(6'000, 'b'));
  EXPECT_EQ(options_.dirty->total(), 0u);
  EXPECT_EQ(contents(), 0u);
}

TEST_F(BlobsSaveTest, WriterFailsWhereRoomCantBeMade) {
  options_.dirty = std::make_shared<DirtyContent>(10'000);
  mount();
  put(root_, "a", "");
  put(root_, "b", "");
  const auto first = opened("a", O_WRONLY), second = opened("b", O_WRONLY);
  write(*first, 0, std::string(6'000, 'a'));
  store_->set_plan([](Verb verb, const std::string&) -> asio::awaitable<Fate> {
    co_return verb == Verb::store ? Fate::failed : Fate::done;
  });
  EXPECT_EQ(errno_of(write(*second, 0, std::string(6'000, 'b'))), ENETDOWN);
  store_->set_plan({});
  EXPECT_EQ(errno_of(write(*second, 0, std::string(6'000, 'b'))), 0);
}

TEST_F(BlobsSaveTest, InterruptOfATruncateEndsTheWaitAndNotTheStore) {
  mount();
  put(root_, "a", "hello");
  hold("a", Verb::store);
  AttributeChanges changes;
  changes.size = 2;
  const NodePtr file = node(root_, "a");
  auto truncating = begin(file->set_attributes(user(), changes, nullptr));
  until_held();
  truncating.interrupt();
  EXPECT_EQ(errno_of(finish(truncating)), EINTR);
  go();
  settle();
  EXPECT_EQ(stored_text("a"), "he");
  EXPECT_EQ(text(root_, "a").value(), "he");
}

TEST_F(BlobsSaveTest, LastOfTwoReleasesAtOnceDropsWhatCouldNotBeStored) {
  mount();
  put(root_, "a", "one");
  const auto first = opened("a", O_WRONLY), second = opened("a", O_WRONLY);
  write(*first, 0, "two");
  watch("a", Verb::store);
  auto one = begin(first->release(user())), other = begin(second->release(user()));
  finish(one);
  finish(other);
  EXPECT_EQ(text(root_, "a").value(), "one");
  EXPECT_TRUE(logged("blobs/a: not stored"));
}

}  // namespace
}  // namespace spotfs::tree
