#include <thread>

#include <gmock/gmock.h>

#include "tests/unit/relay/database_fixture.hpp"

namespace spot::relay {
namespace {

class DatabaseTest : public testing::Test {
 protected:
  void open(const Quota& quota = {}) {
    database_.reset();
    database_ = SqliteDatabase::open(directory_.path / "relay.db", quota).value();
  }
  Result<void> store(std::uint8_t owner, std::string_view key, Bytes value) {
    return wait_for(context_, database_->store_blob({identity(owner), to_bytes(key)}, std::move(value)));
  }
  Result<Bytes> fetch(std::uint8_t owner, std::string_view key) {
    return wait_for(context_, database_->fetch_blob({identity(owner), to_bytes(key)}));
  }
  Result<bool> store_card(std::uint8_t number, std::int64_t issued, Bytes card, std::vector<GroupEntry> groups = {}) {
    CardEntry entry{identity(number), issued, std::move(card), std::move(groups)};
    return wait_for(context_, database_->store_card(std::move(entry)));
  }
  Result<std::vector<Sha256>> members(std::uint8_t group) {
    return wait_for(context_, database_->members(identity(group)));
  }

  TemporaryDirectory directory_;
  asio::io_context context_;
  std::unique_ptr<SqliteDatabase> database_;
};

GroupEntry member(std::uint8_t group, std::uint8_t subject, std::int64_t issued, bool valid = true) {
  return {identity(group), identity(subject), valid, issued, Bytes{1}};
}

TEST_F(DatabaseTest, FetchesWhatWasStored) {
  open();
  ASSERT_TRUE(store(1, "key", Bytes(45'525, 7)));
  EXPECT_EQ(fetch(1, "key").value(), Bytes(45'525, 7));
}

TEST_F(DatabaseTest, StoresAtOnceWhereNobodyElseWrites) {
  open();
  const BlobName name{identity(1), to_bytes("key")};
  const auto stored = database_->store_blob_now(name, Bytes{1, 2});
  ASSERT_TRUE(stored && *stored);
  EXPECT_EQ(fetch(1, "key").value(), (Bytes{1, 2}));
}

TEST_F(DatabaseTest, TakesTurnsWithWhoeverStoresAtOnce) {
  open();
  constexpr int kStores = 300;
  std::thread other{[this] {
    const BlobName name{identity(2), to_bytes("key")};
    for (int done = 0; done < kStores;) {
      const auto stored = database_->store_blob_now(name, Bytes(1'000, 2));
      if (stored && !*stored) return;
      done += stored ? 1 : 0;
    }
  }};
  int stored = 0;
  for (int i = 0; i < kStores; ++i) stored += store(1, "key" + std::to_string(i), Bytes(1'000, 1)) ? 1 : 0;
  other.join();
  EXPECT_EQ(stored, kStores);
  EXPECT_EQ(fetch(1, "key299").value(), Bytes(1'000, 1));
  EXPECT_EQ(fetch(2, "key").value(), Bytes(1'000, 2));
}

TEST_F(DatabaseTest, KeepsTheLastOfTwoValues) {
  open();
  ASSERT_TRUE(store(1, "key", Bytes{1}));
  ASSERT_TRUE(store(1, "key", Bytes{2, 3}));
  EXPECT_EQ(fetch(1, "key").value(), (Bytes{2, 3}));
}

TEST_F(DatabaseTest, KeepsTheBlobsOfIdentitiesApart) {
  open();
  ASSERT_TRUE(store(1, "key", Bytes{1}));
  EXPECT_EQ(fetch(2, "key").error(), Errc::not_found);
}

TEST_F(DatabaseTest, ErasesWithAnEmptyValue) {
  open();
  ASSERT_TRUE(store(1, "key", Bytes{1}));
  ASSERT_TRUE(store(1, "key", {}));
  EXPECT_EQ(fetch(1, "key").error(), Errc::not_found);
}

TEST_F(DatabaseTest, ErasesWhatIsNotThere) {
  open();
  EXPECT_TRUE(store(1, "key", {}));
}

TEST_F(DatabaseTest, TakesKeysOfAnyBytes) {
  open();
  ASSERT_TRUE(store(1, "a\xFF'; DROP TABLE blob", Bytes{1}));
  EXPECT_TRUE(fetch(1, "a\xFF'; DROP TABLE blob"));
}

TEST_F(DatabaseTest, RefusesWhatPassesTheQuotaOfAnIdentity) {
  open({.per_identity = 1'000 + kBlobOverhead, .total = 0});
  ASSERT_TRUE(store(1, "a", Bytes(999, 1)));
  EXPECT_EQ(store(1, "b", Bytes{1}).error(), Errc::quota_exceeded);
  EXPECT_TRUE(store(2, "b", Bytes{1}));
}

TEST_F(DatabaseTest, RefusesWhatPassesTheTotalQuota) {
  open({.per_identity = 0, .total = 1'000 + kBlobOverhead});
  ASSERT_TRUE(store(1, "a", Bytes(999, 1)));
  EXPECT_EQ(store(2, "b", Bytes{1}).error(), Errc::quota_exceeded);
}

TEST_F(DatabaseTest, AllowsAShorterValueWhereTheQuotaIsUsedUp) {
  open({.per_identity = 1'000 + kBlobOverhead, .total = 0});
  ASSERT_TRUE(store(1, "a", Bytes(999, 1)));
  EXPECT_TRUE(store(1, "a", Bytes(998, 1)));
}

TEST_F(DatabaseTest, CountsQuotasAcrossARestart) {
  const Quota quota{.per_identity = 1'000 + kBlobOverhead, .total = 0};
  open(quota);
  ASSERT_TRUE(store(1, "a", Bytes(999, 1)));
  open(quota);
  EXPECT_EQ(store(1, "b", Bytes{1}).error(), Errc::quota_exceeded);
  ASSERT_TRUE(store(1, "a", {}));
  EXPECT_TRUE(store(1, "b", Bytes{1}));
}

TEST_F(DatabaseTest, KeepsTheCardIssuedLast) {
  open();
  EXPECT_TRUE(store_card(1, 20, Bytes{2}).value());
  EXPECT_FALSE(store_card(1, 10, Bytes{1}).value());
  EXPECT_EQ(wait_for(context_, database_->find_card(identity(1))).value(), Bytes{2});
}

TEST_F(DatabaseTest, TakesTheLaterOfTwoCardsIssuedAtOnce) {
  open();
  EXPECT_TRUE(store_card(1, 20, Bytes{2}).value());
  EXPECT_TRUE(store_card(1, 20, Bytes{3}).value());
  EXPECT_FALSE(store_card(1, 20, Bytes{3}).value());
  EXPECT_EQ(wait_for(context_, database_->find_card(identity(1))).value(), Bytes{3});
}

TEST_F(DatabaseTest, DropsTheCardsSeenFirstOfIdentitiesWithoutBlobs) {
  open({.per_identity = 0, .total = 0, .cards = 2});
  ASSERT_TRUE(store_card(1, 1, Bytes{1}));
  ASSERT_TRUE(store(1, "key", Bytes{1}));
  for (std::uint8_t i = 2; i < 8; ++i) ASSERT_TRUE(store_card(i, 1, Bytes{i}));
  EXPECT_TRUE(wait_for(context_, database_->find_card(identity(1))));
  int left = 0;
  for (std::uint8_t i = 1; i < 8; ++i) left += wait_for(context_, database_->find_card(identity(i))).has_value();
  EXPECT_EQ(left, 2);
}

TEST_F(DatabaseTest, ListsTheMembersOfCards) {
  open();
  ASSERT_TRUE(store_card(1, 1, Bytes{1}, {member(9, 1, 1)}));
  ASSERT_TRUE(store_card(2, 1, Bytes{1}, {member(9, 2, 1)}));
  EXPECT_THAT(members(9).value(), testing::UnorderedElementsAre(identity(1), identity(2)));
}

TEST_F(DatabaseTest, KeepsAMembershipThatACardHadBeforeItWasGiven) {
  open();
  ASSERT_TRUE(store_card(1, 1, Bytes{1}, {member(9, 1, 5)}));
  ASSERT_TRUE(wait_for(context_, database_->store_membership(member(9, 1, 5))));
  ASSERT_TRUE(store_card(1, 2, Bytes{2}));
  EXPECT_THAT(members(9).value(), testing::ElementsAre(identity(1)));
}

TEST_F(DatabaseTest, ForgetsAMembershipThatTheNextCardLacks) {
  open();
  ASSERT_TRUE(store_card(1, 1, Bytes{1}, {member(9, 1, 1)}));
  ASSERT_TRUE(store_card(1, 2, Bytes{2}));
  EXPECT_THAT(members(9).value(), testing::IsEmpty());
}

TEST_F(DatabaseTest, LetsALaterSuspensionByTheOperatorStand) {
  open();
  ASSERT_TRUE(wait_for(context_, database_->store_membership(member(9, 1, 5, false))));
  ASSERT_TRUE(store_card(1, 1, Bytes{1}, {member(9, 1, 1)}));
  EXPECT_THAT(members(9).value(), testing::IsEmpty());
  EXPECT_EQ(wait_for(context_, database_->given_to(identity(1))).value().size(), 1U);
}

TEST_F(DatabaseTest, SyncsAndGoesOnStoring) {
  open();
  ASSERT_TRUE(store(1, "a", Bytes{1}));
  EXPECT_TRUE(wait_for(context_, database_->sync()));
  EXPECT_TRUE(store(1, "b", Bytes{1}));
}

TEST_F(DatabaseTest, RefusesAFileThatIsNoDatabase) {
  std::FILE* file = std::fopen((directory_.path / "relay.db").c_str(), "w");
  std::fputs("something else, and long enough to be looked at as a header of a database file, is in here", file);
  std::fclose(file);
  const auto opened = SqliteDatabase::open(directory_.path / "relay.db", {});
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().text, testing::HasSubstr("relay.db"));
}

}  // namespace
}  // namespace spot::relay
