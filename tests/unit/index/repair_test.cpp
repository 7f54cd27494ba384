// Are the logs whole, may a writer be retired, is an older head all that there is?
#include <gmock/gmock.h>

#include "fs/content/check.hpp"
#include "fs/index/keys.hpp"
#include "tests/unit/index/index_fixture.hpp"

namespace spotfs {

namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Repair : public IndexTest {
 protected:
  // Two mounts of one store.
  void mount_two() {
    auto maker = mount(options("maker"));
    ASSERT_TRUE(maker->run(maker->index().close()));
    one_ = mount(shared_options("one"));
    two_ = mount(shared_options("two"));
  }
  static WriterId id_of(IndexMount& of) { return of.index().status().writer; }
  static Answer<void> commit(IndexMount& of) { return of.run(of.index().commit()); }
  static Answer<void> refresh(IndexMount& of) { return of.run(of.index().refresh()); }
  static Answer<void> retire(IndexMount& by, const WriterId& writer) { return by.run(by.index().retire(writer)); }
  static std::vector<LogFault> check(IndexMount& by) { return by.run(by.index().check_logs()).value(); }
  void change(const std::function<void(MemoryStore::Blobs&)>& how) {
    MemoryStore::Blobs blobs = store_->blobs();
    how(blobs);
    store_->set_blobs(std::move(blobs));
  }
  // Of what `of` does, the pieces of log.
  std::vector<std::string> pieces_of(const std::function<void()>& of) {
    const MemoryStore::Blobs before = store_->blobs();
    of();
    std::vector<std::string> out;
    for (const auto& [key, value] : store_->blobs()) {
      if (key.starts_with(".spotfs/c/") && !before.contains(key)) out.push_back(key);
    }
    return out;
  }

  std::unique_ptr<IndexMount> one_, two_;
};

// --- Logs ------------------------------------------------------------------------------------------------------------

TEST_F(Repair, WholeLogsHaveNoFaults) {
  mount_two();
  one_->make("a");
  two_->make("b");
  ASSERT_TRUE(commit(*two_));
  EXPECT_THAT(check(*one_), IsEmpty());
}

TEST_F(Repair, AMissingPieceOfOurOwnIsStoredAgain) {
  auto one = mount(options("one"));
  const std::vector<std::string> pieces = pieces_of([&] {
    one->make("a");
    ASSERT_TRUE(commit(*one));
  });
  ASSERT_EQ(pieces.size(), 1U);
  change([&](MemoryStore::Blobs& blobs) { blobs.erase(pieces[0]); });
  const std::vector<LogFault> faults = check(*one);
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_EQ(faults[0].key, pieces[0]);
  EXPECT_EQ(faults[0].writer, id_of(*one));
  EXPECT_EQ(faults[0].why, make_error_code(Errc::not_found));
  EXPECT_TRUE(faults[0].is_restored);
  ASSERT_TRUE(commit(*one));
  EXPECT_TRUE(store_->blobs().contains(pieces[0]));
  EXPECT_THAT(check(*one), IsEmpty());
  auto fresh = mount(shared_options("fresh"));
  EXPECT_THAT(fresh->names(), ElementsAre("a"));
}

TEST_F(Repair, OurOwnHeadIsStoredAgain) {
  auto one = mount(options("one"));
  one->make("a");
  ASSERT_TRUE(commit(*one));
  const std::string key = head_key(id_of(*one));
  change([&](MemoryStore::Blobs& blobs) { blobs.at(key).back() ^= 1; });
  const std::vector<LogFault> faults = check(*one);
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_EQ(faults[0].key, key);
  EXPECT_TRUE(faults[0].is_restored);
  ASSERT_TRUE(commit(*one));
  EXPECT_THAT(check(*one), IsEmpty());
}

TEST_F(Repair, ADamagedPieceOfAnotherIsTold) {
  mount_two();
  const std::vector<std::string> pieces = pieces_of([&] {
    two_->make("b");
    ASSERT_TRUE(commit(*two_));
  });
  ASSERT_TRUE(refresh(*one_));
  change([&](MemoryStore::Blobs& blobs) { blobs.at(pieces.at(0)).back() ^= 1; });
  const std::vector<LogFault> faults = check(*one_);
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_EQ(faults[0].key, pieces[0]);
  EXPECT_EQ(faults[0].writer, id_of(*two_));
  EXPECT_FALSE(faults[0].is_restored);
}

TEST_F(Repair, RecordsOfTheStoreAreChecked) {
  auto one = mount(options("one"));
  change([](MemoryStore::Blobs& blobs) {
    blobs.erase(kStoreKey);
    blobs.at(kWritersKey).back() ^= 1;
  });
  std::vector<std::string> keys;
  for (const LogFault& fault : check(*one)) keys.push_back(fault.key);
  EXPECT_THAT(keys, ElementsAre(kStoreKey, kWritersKey));
}

TEST_F(Repair, AStoreThatCannotBeAskedIsNoFault) {
  auto one = mount(options("one"));
  one->make("a");
  ASSERT_TRUE(commit(*one));
  store_->set_plan([](MemoryStore::Verb, const std::string&) -> asio::awaitable<MemoryStore::Fate> {
    co_return MemoryStore::Fate::failed;
  });
  const Answer<std::vector<LogFault>> faults = one->run(one->index().check_logs());
  ASSERT_FALSE(faults);
  EXPECT_EQ(faults.error().code, Errc::offline);
}

// --- Retiring --------------------------------------------------------------------------------------------------------

TEST_F(Repair, AWriterWithoutOperationsIsRetired) {
  mount_two();
  const WriterId two = id_of(*two_);
  ASSERT_TRUE(commit(*two_));  // which registers it
  ASSERT_TRUE(refresh(*one_));
  const Answer<void> retired = retire(*one_, two);
  ASSERT_TRUE(retired) << retired.error().text;
  for (const WriterStatus& other : one_->index().status().others) EXPECT_NE(other.id, two);
  auto fresh = mount(shared_options("fresh"));
  for (const WriterStatus& other : fresh->index().status().others) EXPECT_NE(other.id, two);
  EXPECT_TRUE(retire(*one_, two)) << "it is already";
}

TEST_F(Repair, WhoFindsItselfRetiredGoesOnAsAnother) {
  mount_two();
  ASSERT_TRUE(commit(*two_));  // which registers it
  const WriterId two = id_of(*two_);
  ASSERT_TRUE(refresh(*one_));
  ASSERT_TRUE(retire(*one_, two));
  two_->make("after");
  ASSERT_TRUE(refresh(*two_));
  ASSERT_TRUE(commit(*two_));
  EXPECT_NE(id_of(*two_), two);
  ASSERT_TRUE(refresh(*one_));
  EXPECT_THAT(one_->names(), ElementsAre("after"));
}

TEST_F(Repair, AWriterWhoseOperationsWouldBeLostIsNotRetired) {
  mount_two();
  two_->make("b");
  ASSERT_TRUE(commit(*two_));
  const Answer<void> retired = retire(*one_, id_of(*two_));
  ASSERT_FALSE(retired);
  EXPECT_EQ(retired.error().code, Errc::refused);
  EXPECT_THAT(retired.error().text, HasSubstr("snapshot"));
  auto fresh = mount(shared_options("fresh"));
  EXPECT_THAT(fresh->names(), ElementsAre("b"));
}

TEST_F(Repair, NeitherItselfNorAStrangerIsRetired) {
  mount_two();
  const Answer<void> self = retire(*one_, id_of(*one_));
  ASSERT_FALSE(self);
  EXPECT_EQ(self.error().code, Errc::refused);
  const Answer<void> stranger = retire(*one_, WriterId{1});
  ASSERT_FALSE(stranger);
  EXPECT_EQ(stranger.error().code, Errc::not_found);
}

TEST_F(Repair, NobodyIsRetiredByOneWhoCouldNotRefresh) {
  mount_two();
  const WriterId two = id_of(*two_);
  ASSERT_TRUE(commit(*two_));
  ASSERT_TRUE(refresh(*one_));
  store_->set_plan([&](MemoryStore::Verb verb, std::string key) -> asio::awaitable<MemoryStore::Fate> {
    const bool fails = verb == MemoryStore::Verb::fetch && key == head_key(two);
    co_return fails ? MemoryStore::Fate::failed : MemoryStore::Fate::done;
  });
  EXPECT_FALSE(retire(*one_, two));
  store_->set_plan({});
  auto fresh = mount(shared_options("fresh"));
  EXPECT_TRUE(
      std::ranges::any_of(fresh->index().status().others, [&](const WriterStatus& other) { return other.id == two; }));
}

// --- Older heads -----------------------------------------------------------------------------------------------------

class OlderHead : public Repair {
 protected:
  // The second writer has "a" and "b", and the store shows the head with "a" alone.
  void roll_back() {
    mount_two();
    two_->make("a");
    ASSERT_TRUE(commit(*two_));
    const MemoryStore::Blobs before = store_->blobs();
    two_->make("b");
    ASSERT_TRUE(commit(*two_));
    ASSERT_TRUE(refresh(*one_));
    two_name_ = id_of(*two_);
    const std::string key = head_key(two_name_);
    two_.reset();
    change([&](MemoryStore::Blobs& blobs) { blobs[key] = before.at(key); });
    ASSERT_TRUE(refresh(*one_));
    ASSERT_TRUE(is_rolled_back());
  }
  bool is_rolled_back() { return std::ranges::any_of(one_->index().status().others, &WriterStatus::rolled_back); }
  WriterId two_name_{};
};

TEST_F(OlderHead, IsTakenWhenAPersonSaysSo) {
  roll_back();
  EXPECT_EQ(one_->run(one_->index().accept_older()).value(), std::vector<WriterId>{two_name_});
  EXPECT_FALSE(is_rolled_back());
  ASSERT_TRUE(refresh(*one_));
  EXPECT_FALSE(is_rolled_back());
  EXPECT_THAT(one_->run(one_->index().accept_older()).value(), IsEmpty());
  ASSERT_TRUE(one_->run(one_->index().close()));
  one_ = mount(shared_options("one"));
  EXPECT_FALSE(is_rolled_back());
  EXPECT_THAT(one_->names(), ElementsAre("a"));
}

TEST_F(OlderHead, OfOneThatIsGoneIsTakenToo) {
  roll_back();
  change([&](MemoryStore::Blobs& blobs) { blobs.erase(head_key(two_name_)); });
  ASSERT_TRUE(refresh(*one_));
  ASSERT_EQ(one_->run(one_->index().accept_older()).value().size(), 1U);
  ASSERT_TRUE(one_->run(one_->index().close()));
  one_ = mount(shared_options("one"));
  EXPECT_FALSE(is_rolled_back());
  EXPECT_THAT(one_->names(), IsEmpty());
}

TEST_F(OlderHead, WaitsForALostHeadUntilItIsAccepted) {
  mount_two();
  auto third = mount(shared_options("third"));
  two_->make("a");
  ASSERT_TRUE(commit(*two_));
  ASSERT_TRUE(refresh(*one_));
  const MemoryStore::Blobs before = store_->blobs();
  two_->make("b");
  ASSERT_TRUE(commit(*two_));
  ASSERT_TRUE(refresh(*third));
  third->make("c");
  ASSERT_TRUE(commit(*third));
  const std::string key = head_key(id_of(*two_));
  two_.reset();
  third.reset();
  change([&](MemoryStore::Blobs& blobs) { blobs[key] = before.at(key); });
  static_cast<void>(refresh(*one_));
  EXPECT_THAT(one_->names(), ElementsAre("a")) << "the third one's head comes after one that is not here";
  ASSERT_EQ(one_->run(one_->index().accept_older()).value().size(), 1U);
  EXPECT_THAT(one_->names(), ElementsAre("a", "c"));
  ASSERT_TRUE(one_->run(one_->index().close()));
  one_ = mount(shared_options("one"));
  EXPECT_THAT(one_->names(), ElementsAre("a", "c"));
}

TEST_F(OlderHead, WritesOfTheSameWriterCountAgainAfterIt) {
  roll_back();
  ASSERT_EQ(one_->run(one_->index().accept_older()).value().size(), 1U);
  two_ = mount(shared_options("two"));  // its journal has all of it
  two_->make("d");
  ASSERT_TRUE(commit(*two_));
  ASSERT_TRUE(refresh(*one_));
  EXPECT_THAT(one_->names(), ElementsAre("a", "b", "d"));
}

}  // namespace

}  // namespace spotfs
