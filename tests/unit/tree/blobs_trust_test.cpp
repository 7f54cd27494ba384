// What the store may not do to blobs/, and what other clients of the identity may.
#include "fs/tree/blobs/versions.hpp"
#include "tests/unit/tree/blobs_fixture.hpp"

namespace spotfs::tree {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

class BlobsTrustTest : public BlobsTest {
 protected:
  BlobsTrustTest() { options_.plain = PlainValues::any; }
  void forget_what_is_cached() { clock_.pass(options_.refresh); }
  void write_over(const std::string& name, std::string_view content) {
    const auto file = open(node(root_, name), O_WRONLY | O_TRUNC).value();
    write(*file, 0, content);
    EXPECT_EQ(errno_of(flush(*file)), 0);
    release(*file);
  }
  // What the log of another mount says that has stored at a key by then, knowing of nothing later than `known`.
  Stamp write_elsewhere(const spotfs::Entry& entry, const std::string& key, const Version& known) {
    auto reservation = index_->reserve();
    const Stamp stamp = reservation->stamp();
    const Inode& inode = *entry.inode;
    EXPECT_TRUE(run(index_->write_reserved(std::move(reservation), entry.id, inode.version, inode.reference,
                                           inode.mtime, stored_at(key, stamp, known))));
    return stamp;
  }
  // The two stores at once of a value that is there: the later one came first.
  void store_at_once(const std::string& key, std::string_view last) {
    const auto before = index_->lookup_now(kBlobs, key).value();
    const Stamp& known = *before.inode->version;
    EXPECT_TRUE(index_->see_value("another key", Stamp::of(known.milliseconds() + 2, 0, {})));
    write_elsewhere(before, key, known);
    put_ours(key, last, Stamp::of(known.milliseconds() + 1, 0, {}));
    forget_what_is_cached();
  }
  Bytes header(std::string_view type, std::string_view key) const {
    cbor::Writer out;
    out.put_map(4);
    out.put_text("k").put_text(key);
    out.put_text("s").put_bytes(index_->store_id());
    out.put_text("v").put_bytes(Stamp::of(1, 0, {}).bytes);
    out.put_text("ct").put_text(type);
    return out.take();
  }
};

TEST_F(BlobsTrustTest, NameThatIsNotListedIsAskedOfTheStoreAndListedIfItIsThere) {
  mount();
  put_plain("theirs", "from python");
  EXPECT_THAT(names(root_), IsEmpty());
  EXPECT_EQ(text(root_, "theirs").value(), "from python");
  EXPECT_THAT(names(root_), ElementsAre("theirs"));
  remount();
  EXPECT_THAT(names(root_), ElementsAre("theirs"));
  EXPECT_EQ(stat(node(root_, "theirs")).size, 11U);
}

TEST_F(BlobsTrustTest, NameThatIsNowhereIsMissingAndNotListed) {
  mount();
  EXPECT_EQ(errno_of(lookup(root_, "none")), ENOENT);
  EXPECT_THAT(names(root_), IsEmpty());
}

TEST_F(BlobsTrustTest, StoreThatCantBeAskedIsNoReasonToSayThatANameIsMissing) {
  mount();
  watch("unknown", Verb::fetch);
  EXPECT_EQ(errno_of(lookup(root_, "unknown")), ENETDOWN);
}

TEST_F(BlobsTrustTest, KnownNamesNeedNoStore) {
  mount();
  put(root_, "a", "x");
  watch("a", Verb::fetch);
  EXPECT_EQ(stat(node(root_, "a")).size, 1U);
  EXPECT_EQ(calls(Verb::fetch), 0U);
}

TEST_F(BlobsTrustTest, ValueOfAnotherMountIsFoundWithItsVersion) {
  mount();
  const Stamp version = index_->draw();
  put_ours("a", "hello", version);
  EXPECT_EQ(text(root_, "a").value(), "hello");
  EXPECT_EQ(index_->lookup_now(kBlobs, "a").value().inode->version, version);
}

TEST_F(BlobsTrustTest, WhatAnotherClientStoresLaterIsSeenAtTheNextOpen) {
  mount();
  put(root_, "a", "ours");
  put_plain("a", "theirs, longer");
  forget_what_is_cached();
  EXPECT_EQ(text(root_, "a").value(), "theirs, longer");
  EXPECT_EQ(stat(node(root_, "a")).size, 14U);
}

TEST_F(BlobsTrustTest, WhatWeWriteOverAPlainValueIsSealedAsOurs) {
  mount();
  put_plain("a", "theirs");
  const auto file = open(node(root_, "a"), O_WRONLY).value();
  write(*file, 0, "T");
  EXPECT_EQ(errno_of(flush(*file)), 0);
  EXPECT_EQ(stored_text("a"), "Theirs");
  EXPECT_TRUE(stored("a").value().version);
}

TEST_F(BlobsTrustTest, PlainValuesAreRefusedWhereNoneAreTaken) {
  options_.plain = PlainValues::none;
  mount();
  put_plain("a", "theirs");
  EXPECT_EQ(errno_of(text(root_, "a")), EBADMSG);
  EXPECT_TRUE(logged("blobs/a"));
}

TEST_F(BlobsTrustTest, PlainValueOfANewNameIsTakenWhereNewOnesAre) {
  options_.plain = PlainValues::new_names;
  mount();
  put_plain("new", "theirs");
  EXPECT_EQ(text(root_, "new").value(), "theirs");
  forget_what_is_cached();
  EXPECT_EQ(text(root_, "new").value(), "theirs");
}

TEST_F(BlobsTrustTest, PlainValueInPlaceOfOursIsRefusedWhereOnlyNewOnesAreTaken) {
  options_.plain = PlainValues::new_names;
  mount();
  put(root_, "a", "ours");
  remount();
  put_plain("a", "theirs");
  EXPECT_EQ(errno_of(text(root_, "a")), EBADMSG);
  EXPECT_TRUE(logged("blobs/a"));
}

TEST_F(BlobsTrustTest, DeletionDoesNotMakeANameNewAgain) {
  options_.plain = PlainValues::new_names;
  mount();
  put(root_, "a", "ours");
  remount();
  take_away("a");
  EXPECT_EQ(errno_of(text(root_, "a")), ENOENT);
  put_plain("a", "theirs");
  EXPECT_EQ(errno_of(text(root_, "a")), EBADMSG);
}

TEST_F(BlobsTrustTest, SwappedValuesAreRefused) {
  mount();
  put(root_, "a", "one");
  put(root_, "b", "two");
  put_bottle("a", bottle("b"));
  forget_what_is_cached();
  EXPECT_EQ(errno_of(text(root_, "a")), EBADMSG);
  EXPECT_TRUE(logged("blobs/a"));
}

TEST_F(BlobsTrustTest, ValueOfAnotherStoreIsRefused) {
  mount();
  put(root_, "a", "one");
  BlobId other{};
  other[0] = 1;
  put_bottle("a", ValueSealer{keys_, other}.seal("a", index_->draw(), {}).value());
  forget_what_is_cached();
  EXPECT_EQ(errno_of(text(root_, "a")), EBADMSG);
}

TEST_F(BlobsTrustTest, EarlierValueThanTheIndexKnowsIsARollback) {
  mount();
  put(root_, "a", "one");
  const Bytes old = bottle("a");
  const auto file = open(node(root_, "a"), O_WRONLY).value();
  write(*file, 0, "two");
  flush(*file);
  release(*file);
  remount();
  put_bottle("a", old);
  EXPECT_EQ(errno_of(text(root_, "a")), EBADMSG);
  EXPECT_TRUE(logged("blobs/a"));
}

TEST_F(BlobsTrustTest, EarlierValueThanWasSeenIsARollback) {
  mount();
  const Stamp first = index_->draw(), second = index_->draw();
  put_ours("a", "one", first);
  EXPECT_EQ(text(root_, "a").value(), "one");
  const Bytes old = bottle("a");
  put_ours("a", "two", second);
  forget_what_is_cached();
  EXPECT_EQ(text(root_, "a").value(), "two");  // the index knows of the first alone
  put_bottle("a", old);
  forget_what_is_cached();
  EXPECT_EQ(errno_of(text(root_, "a")), EBADMSG);
}

TEST_F(BlobsTrustTest, VersionThatAFileGotByARenameToAnotherKeySaysNothingOfItsOwn) {
  mount();
  put(root_, "a", "text");
  const auto before = index_->lookup_now(kBlobs, "a").value();
  EXPECT_EQ(rename(root_, "a", root_, "b"), 0);
  write_elsewhere(before, "c", {});  // at the same time; the move that comes with it finds no file
  forget_what_is_cached();
  EXPECT_EQ(text(root_, "b").value(), "text");
  remount();
  EXPECT_EQ(text(root_, "b").value(), "text");
}

TEST_F(BlobsTrustTest, VersionThatWasStoredAtAnotherKeyIsNotTakenForThisOnesWhenTheFileGoes) {
  mount();
  put(root_, "a", "text");
  const auto before = index_->lookup_now(kBlobs, "a").value();
  EXPECT_EQ(rename(root_, "a", root_, "b"), 0);
  const Stamp meanwhile = index_->draw();
  write_elsewhere(before, "c", {});
  EXPECT_EQ(unlink(root_, "b"), 0);
  EXPECT_FALSE(is_stored("b"));
  put_ours("b", "another's", meanwhile);
  EXPECT_EQ(text(root_, "b").value(), "another's");
}

TEST_F(BlobsTrustTest, TheLastStoreStandsAlsoWhereTheOneAtTheSameTimeHasTheLaterVersion) {
  mount();
  put(root_, "a", "one");
  store_at_once("a", "last");
  EXPECT_EQ(text(root_, "a").value(), "last");
  write_over("a", "next");
  forget_what_is_cached();
  EXPECT_EQ(text(root_, "a").value(), "next");
}

TEST_F(BlobsTrustTest, WhatBothOfTwoStoresAtTheSameTimeReplacedIsARollback) {
  mount();
  put(root_, "a", "one");
  const Bytes old = bottle("a");
  store_at_once("a", "last");
  put_bottle("a", old);
  EXPECT_EQ(errno_of(text(root_, "a")), EBADMSG);
}

TEST_F(BlobsTrustTest, VersionThatWasSeenIsRememberedAcrossARestart) {
  mount();
  put_ours("a", "one", index_->draw());
  EXPECT_EQ(text(root_, "a").value(), "one");
  const Bytes old = bottle("a");
  put_ours("a", "two", index_->draw());
  forget_what_is_cached();
  EXPECT_EQ(text(root_, "a").value(), "two");
  remount();
  put_bottle("a", old);
  EXPECT_EQ(errno_of(text(root_, "a")), EBADMSG);
}

TEST_F(BlobsTrustTest, VersionOfARemovedValueIsRemembered) {
  mount();
  put(root_, "a", "one");
  const Bytes old = bottle("a");
  write_over("a", "two");
  EXPECT_EQ(unlink(root_, "a"), 0);
  remount();
  put_bottle("a", old);
  EXPECT_EQ(errno_of(text(root_, "a")), EBADMSG);
}

TEST_F(BlobsTrustTest, VersionOfAValueThatAnotherWriterRemovedIsRemembered) {
  mount();
  const NodePtr directory = mkdir(mkdir(root_, "d"), "e");
  put(directory, "a", "one");
  const Bytes old = bottle("d/e/a");
  put(root_, "b", "x");
  EXPECT_EQ(rename(root_, "b", directory, "a"), 0);  // a later version of the key
  const InodeId above = index_->lookup_now(index_->lookup_now(kBlobs, "d").value().id, "e").value().id;
  ChangeSet changes;
  changes.inodes.push_back(run(index_->unlink(above, "a")).value().id);
  blobs_.changed(changes);
  remount();
  put_bottle("d/e/a", old);
  EXPECT_EQ(errno_of(text(node(node(root_, "d"), "e"), "a")), EBADMSG);
}

TEST_F(BlobsTrustTest, VersionOfAMovedValueIsRemembered) {
  mount();
  put(root_, "a", "one");
  const Bytes old = bottle("a");
  write_over("a", "two");
  EXPECT_EQ(rename(root_, "a", root_, "b"), 0);
  remount();
  put_bottle("a", old);
  EXPECT_EQ(errno_of(text(root_, "a")), EBADMSG);
}

TEST_F(BlobsTrustTest, VersionOfAValueThatAnotherClientDeletedIsRemembered) {
  mount();
  put(root_, "a", "one");
  const Bytes old = bottle("a");
  write_over("a", "two");
  take_away("a");
  forget_what_is_cached();
  EXPECT_EQ(errno_of(text(root_, "a")), ENOENT);
  remount();
  put_bottle("a", old);
  EXPECT_EQ(errno_of(text(root_, "a")), EBADMSG);
}

TEST_F(BlobsTrustTest, ValueAfterARestartIsLaterThanWhatWasSeenFromAClockAhead) {
  mount();
  put(root_, "a", "one");
  const Stamp ahead = Stamp::of(index_->draw().milliseconds() + 600'000, 0, {});
  put_ours("a", "ahead", ahead);
  forget_what_is_cached();
  EXPECT_EQ(text(root_, "a").value(), "ahead");
  remount();
  write_over("a", "behind");
  EXPECT_GT(stored("a").value().version, ahead);
  forget_what_is_cached();
  EXPECT_EQ(text(root_, "a").value(), "behind");
}

TEST_F(BlobsTrustTest, RemovalDoesNotMakeANameNewAgain) {
  options_.plain = PlainValues::new_names;
  mount();
  put(root_, "a", "ours");
  EXPECT_EQ(unlink(root_, "a"), 0);
  remount();
  put_plain("a", "theirs");
  EXPECT_EQ(errno_of(text(root_, "a")), EBADMSG);
}

TEST_F(BlobsTrustTest, RecordsAndMessagesOfOursAreNoValues) {
  mount();
  put_bottle("head", sealed("x", header("spotfs/head", "head")));
  put_bottle("message", sealed("x", header("spot/msg", "message")));
  EXPECT_EQ(errno_of(text(root_, "head")), EBADMSG);
  EXPECT_EQ(errno_of(text(root_, "message")), EBADMSG);
}

TEST_F(BlobsTrustTest, ReferenceToNothingIsRefused) {
  mount();
  put_bottle("none", sealed("", header("spotfs/ref", "none")));
  EXPECT_EQ(errno_of(text(root_, "none")), EBADMSG);
  EXPECT_TRUE(logged("blobs/none"));
}

TEST_F(BlobsTrustTest, ForeignBytesAreRefused) {
  mount();
  put_bottle("a", spot::to_bytes("no bottle"));
  EXPECT_EQ(errno_of(text(root_, "a")), EBADMSG);
}

TEST_F(BlobsTrustTest, UnlinkLeavesWhatAnotherClientHasStoredSince) {
  mount();
  put(root_, "plain", "ours");
  put(root_, "sealed", "ours");
  put_plain("plain", "theirs");
  put_ours("sealed", "theirs", index_->draw());
  EXPECT_EQ(unlink(root_, "plain"), 0);
  EXPECT_EQ(unlink(root_, "sealed"), 0);
  EXPECT_EQ(text(root_, "plain").value(), "theirs");
  EXPECT_EQ(text(root_, "sealed").value(), "theirs");
}

TEST_F(BlobsTrustTest, UnlinkDeletesThePlainValueThatWasRead) {
  mount();
  put_plain("a", "theirs");
  EXPECT_EQ(text(root_, "a").value(), "theirs");
  EXPECT_EQ(unlink(root_, "a"), 0);
  EXPECT_FALSE(is_stored("a"));
}

TEST_F(BlobsTrustTest, UnlinkLeavesAPlainValueThatIsNotTheOneThatWasRead) {
  mount();
  put_plain("a", "theirs");
  EXPECT_EQ(text(root_, "a").value(), "theirs");
  put_plain("a", "others");
  EXPECT_EQ(unlink(root_, "a"), 0);
  EXPECT_TRUE(is_stored("a"));
}

TEST_F(BlobsTrustTest, RenameLeavesWhatAnotherClientHasStoredSince) {
  mount();
  put(root_, "a", "ours");
  put_plain("a", "theirs");
  EXPECT_EQ(rename(root_, "a", root_, "b"), 0);
  EXPECT_EQ(stored_text("b"), "ours");
  EXPECT_EQ(text(root_, "a").value(), "theirs");
}

TEST_F(BlobsTrustTest, UnlinkWithoutTheStoreFailsAndKeepsTheName) {
  mount();
  put(root_, "a", "x");
  watch("a", Verb::erase);
  EXPECT_EQ(unlink(root_, "a"), ENETDOWN);
  EXPECT_THAT(names(root_), ElementsAre("a"));
}

TEST_F(BlobsTrustTest, RenameThatCantDeleteTheOldKeyLeavesTheFileWhereItWas) {
  mount();
  put(root_, "a", "x");
  watch("a", Verb::erase);
  EXPECT_EQ(rename(root_, "a", root_, "b"), ENETDOWN);
  EXPECT_THAT(names(root_), ElementsAre("a"));
  EXPECT_EQ(text(root_, "a").value(), "x");
}

TEST_F(BlobsTrustTest, ListedNameWhoseValueIsDeletedGoes) {
  mount();
  put(root_, "a", "x");
  take_away("a");
  forget_what_is_cached();
  EXPECT_EQ(errno_of(open(node(root_, "a"), O_RDONLY)), ENOENT);
  EXPECT_THAT(names(root_), IsEmpty());
  EXPECT_THAT(notifier_->names, Contains("a"));
}

TEST_F(BlobsTrustTest, ListedNameStaysWhereTheStoreCantBeAsked) {
  mount();
  put(root_, "a", "x");
  forget_what_is_cached();
  watch("a", Verb::fetch);
  EXPECT_EQ(errno_of(open(node(root_, "a"), O_RDONLY)), ENETDOWN);
  EXPECT_THAT(names(root_), ElementsAre("a"));
}

TEST_F(BlobsTrustTest, OurNextValueIsLaterThanOneThatWasSeenFromAClockAhead) {
  mount();
  put(root_, "a", "one");
  const Stamp ahead = Stamp::of(index_->draw().milliseconds() + 600'000, 0, {});
  put_ours("a", "ahead", ahead);
  forget_what_is_cached();
  EXPECT_EQ(text(root_, "a").value(), "ahead");
  const auto file = open(node(root_, "a"), O_WRONLY).value();
  write(*file, 0, "A");
  EXPECT_EQ(errno_of(flush(*file)), 0);
  release(*file);
  forget_what_is_cached();
  EXPECT_EQ(text(root_, "a").value(), "Ahead");  // ours is the newest, whatever its stamp
}

}  // namespace
}  // namespace spotfs::tree
