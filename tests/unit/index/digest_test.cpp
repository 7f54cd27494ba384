// What a mount tells one on another machine that the store must show at least.
#include "fs/index/digest.hpp"

#include <gmock/gmock.h>

#include "tests/unit/index/index_fixture.hpp"

namespace spotfs {

namespace {

using testing::HasSubstr;
using testing::MatchesRegex;

Digest some_digest() {
  Digest out;
  out.store = {1, 2, 3};
  out.heads = {{WriterId{4}, 1}, {WriterId{5}, 70'000}};
  return out;
}

TEST(Digest, ReadsWhatItWrites) {
  EXPECT_EQ(parse_digest(to_text(some_digest())).value(), some_digest());
  EXPECT_EQ(parse_digest(to_text(Digest{})).value(), Digest{});
}

TEST(Digest, IsOneWordThatMountTakes) { EXPECT_THAT(to_text(some_digest()), MatchesRegex("[A-Za-z0-9_-]+")); }

TEST(Digest, RefusesWhatIsCutOffOrMistyped) {
  const std::string whole = to_text(some_digest());
  for (std::size_t i = 0; i < whole.size(); ++i) {
    EXPECT_FALSE(parse_digest(whole.substr(0, i))) << i;
    std::string other = whole;
    other[i] = other[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(parse_digest(other)) << i;
  }
  EXPECT_FALSE(parse_digest(whole + "A"));
  EXPECT_FALSE(parse_digest(whole + "="));
}

// A store with two writers, and what a third machine makes of it.
class ExpectedDigest : public IndexTest {
 protected:
  ExpectedDigest() {
    auto maker = mount(options("one"));
    EXPECT_TRUE(maker->run(maker->index().close()));
    maker.reset();
    one_ = mount(shared_options("one"));
    two_ = mount(shared_options("two"));
    change(*two_, "a");
    EXPECT_TRUE(one_->run(one_->index().refresh()));
    change(*one_, "b");
  }
  static void change(IndexMount& by, const std::string& name) {
    by.make(name);
    EXPECT_TRUE(by.run(by.index().commit()));
  }
  Digest digest() { return digest_of(one_->index().status()); }
  Answer<void> open_fresh(const Digest& expected) {
    IndexOptions with = shared_options("fresh");
    with.expect = expected;
    IndexMount fresh;
    return fresh.open(std::move(with));
  }
  void expect_rollback(const Digest& expected, const std::string& what) {
    const Answer<void> opened = open_fresh(expected);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Errc::rollback);
    EXPECT_THAT(opened.error().text, HasSubstr(what));
  }

  std::unique_ptr<IndexMount> one_, two_;
};

TEST_F(ExpectedDigest, HasTheHeadsOfAllWritersOurOwnAmongThem) {
  const IndexStatus one = one_->index().status(), two = two_->index().status();
  EXPECT_EQ(digest().store, one.store);
  EXPECT_THAT(digest().heads, testing::UnorderedElementsAre(testing::Pair(one.writer, one.counter),
                                                            testing::Pair(two.writer, two.counter)));
  EXPECT_GT(one.counter, 0U);
}

TEST_F(ExpectedDigest, HasNoHeadThatTheStoreDidNotTake) {
  const std::uint64_t before = one_->index().status().counter;
  store_->set_plan([](MemoryStore::Verb verb, const std::string& key) -> asio::awaitable<MemoryStore::Fate> {
    const bool fails = verb == MemoryStore::Verb::store && key.starts_with(".spotfs/w/");
    co_return fails ? MemoryStore::Fate::failed : MemoryStore::Fate::done;
  });
  one_->make("c");
  EXPECT_FALSE(one_->run(one_->index().commit()));
  EXPECT_EQ(one_->index().status().counter, before);
  store_->set_plan({});
  EXPECT_TRUE(open_fresh(digest()));
}

TEST_F(ExpectedDigest, IsKnownAnewAfterARemount) {
  const Digest before = digest();
  EXPECT_TRUE(one_->run(one_->index().close()));
  one_ = mount(shared_options("one"));
  EXPECT_GE(one_->index().status().counter, before.heads.at(one_->index().status().writer));
}

TEST_F(ExpectedDigest, LetsAFreshMachineMountWhatItIsOf) { EXPECT_TRUE(open_fresh(digest())); }

TEST_F(ExpectedDigest, LetsAFreshMachineMountWhatHasGoneOnSince) {
  const Digest then = digest();
  change(*one_, "c");
  change(*two_, "d");
  const auto three = mount(shared_options("three"));
  change(*three, "e");
  EXPECT_TRUE(open_fresh(then));
}

TEST_F(ExpectedDigest, AnOlderHeadOfAnyWriterIsRefused) {
  for (IndexMount* const by : {one_.get(), two_.get()}) {
    const std::string key = head_key(by->index().status().writer);
    const Bytes older = store_->blobs().at(key);
    change(*by, by == one_.get() ? "c" : "d");
    EXPECT_TRUE(one_->run(one_->index().refresh()));
    const MemoryStore::Blobs all = store_->blobs();
    MemoryStore::Blobs rolled_back = all;
    rolled_back[key] = older;
    store_->set_blobs(std::move(rolled_back));
    expect_rollback(digest(), spot::base64url(by->index().status().writer));
    store_->set_blobs(all);
  }
}

TEST_F(ExpectedDigest, AMissingHeadIsRefused) {
  MemoryStore::Blobs without = store_->blobs();
  without.erase(head_key(two_->index().status().writer));
  store_->set_blobs(std::move(without));
  expect_rollback(digest(), "nothing of writer " + spot::base64url(two_->index().status().writer));
}

TEST_F(ExpectedDigest, AMissingWriterIsRefused) {
  const MemoryStore::Blobs before = store_->blobs();
  const auto three = mount(shared_options("three"));
  change(*three, "c");
  EXPECT_TRUE(one_->run(one_->index().refresh()));
  MemoryStore::Blobs without = store_->blobs();
  without[kWritersKey] = before.at(kWritersKey);
  store_->set_blobs(std::move(without));
  expect_rollback(digest(), spot::base64url(three->index().status().writer));
}

TEST_F(ExpectedDigest, AWriterThatHasRetiredSinceIsNotMissed) {
  const auto three = mount(shared_options("three"));
  EXPECT_TRUE(three->run(three->index().commit()));
  Digest then = digest();
  then.heads[three->index().status().writer] = 1;
  EXPECT_FALSE(open_fresh(then)) << "it has stored none";
  EXPECT_TRUE(one_->run(one_->index().refresh()));
  EXPECT_TRUE(one_->run(one_->index().retire(three->index().status().writer)));
  EXPECT_TRUE(open_fresh(then));
}

TEST_F(ExpectedDigest, AnotherStoreIsRefusedEvenWhereOneIsAcceptedOtherwise) {
  Digest other = digest();
  other.store[0] ^= 1;
  IndexOptions with = shared_options("fresh");
  with.expect = other;
  with.accept_store = true;
  IndexMount fresh;
  const Answer<void> opened = fresh.open(std::move(with));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::wrong_name);
}

TEST_F(ExpectedDigest, AnEmptyStoreIsRefusedAndLeftEmpty) {
  const Digest then = digest();
  store_->set_blobs({});
  expect_rollback(then, "has no disk");
  EXPECT_TRUE(store_->blobs().empty());
}

}  // namespace

}  // namespace spotfs
