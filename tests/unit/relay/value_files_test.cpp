// Large values, which a relay keeps in files beside its database.
#include "mount/relay/value_files.hpp"

#include <thread>

#include <gmock/gmock.h>

#include "tests/unit/relay/database_fixture.hpp"

namespace spot::relay {
namespace {

using std::filesystem::path;

class ValueFilesTest : public testing::Test {
 protected:
  ValueFilesTest() { open(); }

  void open() {
    database_.reset();
    database_ = SqliteDatabase::open(file_, Quota{}).value();
  }
  static BlobName name(std::string_view key) { return {identity(1), to_bytes(key)}; }
  Result<void> store(std::string_view key, Bytes value) {
    return wait_for(context_, database_->store_blob(name(key), std::move(value)));
  }
  Result<Bytes> fetch(std::string_view key) { return wait_for(context_, database_->fetch_blob(name(key))); }

  std::vector<path> files() const {
    std::vector<path> out;
    for (const auto& entry : std::filesystem::directory_iterator{directory_.path})
      if (entry.path().filename().native().starts_with("relay.db-values-")) out.push_back(entry.path());
    return out;
  }
  std::int64_t number_in_database(const char* sql) {
    return sqlite::Connection::open(file_, 4'096).value().number(sql).value();
  }

  TemporaryDirectory directory_;
  const path file_ = directory_.path / "relay.db";
  asio::io_context context_;
  std::unique_ptr<SqliteDatabase> database_;
};

Bytes large(std::uint8_t fill) { return Bytes(40'000, fill); }

TEST_F(ValueFilesTest, KeepThemAcrossARestart) {
  ASSERT_TRUE(store("one", large(1)));
  ASSERT_TRUE(store("other", large(2)));
  open();
  EXPECT_EQ(fetch("one").value(), large(1));
  EXPECT_EQ(fetch("other").value(), large(2));
  EXPECT_EQ(number_in_database("SELECT sum(length(value)) FROM blob"), 0);
}

// The old one is on the disk, the new one may not be: the database, which has a log, brings back either.
TEST_F(ValueFilesTest, AreNotUsedForWhatReplacesAValue) {
  ASSERT_TRUE(store("key", large(1)));
  ASSERT_TRUE(store("key", large(2)));
  EXPECT_EQ(fetch("key").value(), large(2));
  EXPECT_EQ(number_in_database("SELECT sum(length(value)) FROM blob"), 40'000);
}

TEST_F(ValueFilesTest, KeepWhatIsErasedUntilThatIsOnTheDisk) {
  ASSERT_TRUE(store("key", large(1)));
  ASSERT_TRUE(store("key", {}));
  EXPECT_EQ(fetch("key").error(), Errc::not_found);
  EXPECT_EQ(number_in_database("SELECT count(*) FROM unused"), 1);
  ASSERT_TRUE(wait_for(context_, database_->sync()));
  database_.reset();
  EXPECT_EQ(number_in_database("SELECT count(*) FROM unused"), 0);
}

TEST_F(ValueFilesTest, GoWhereNothingIsLeftInThem) {
  ASSERT_TRUE(store("key", large(1)));
  open();  // and goes on in another file
  ASSERT_TRUE(store("other", large(2)));
  ASSERT_EQ(files().size(), 2U);
  ASSERT_TRUE(store("key", {}));
  database_.reset();
  EXPECT_EQ(files().size(), 1U);
  open();
  EXPECT_EQ(fetch("other").value(), large(2));
}

// A file that was lost with the machine's power has a number in rows that may not have been lost.
TEST_F(ValueFilesTest, NeverUseAPlaceAgain) {
  ASSERT_TRUE(store("lost", large(1)));
  database_.reset();
  for (const path& lost : files()) std::filesystem::remove(lost);
  open();
  ASSERT_TRUE(store("key", large(2)));
  EXPECT_EQ(fetch("lost").error(), Errc::not_found);
  ASSERT_TRUE(store("lost", {}));
  open();
  EXPECT_EQ(fetch("key").value(), large(2));
}

TEST_F(ValueFilesTest, SayOfAValueThatWasCutShortThatItIsNotThere) {
  ASSERT_TRUE(store("key", large(1)));
  database_.reset();
  ASSERT_EQ(files().size(), 1U);
  std::filesystem::resize_file(files().front(), 100);
  open();
  EXPECT_EQ(fetch("key").error(), Errc::not_found);
}

TEST_F(ValueFilesTest, ShowNoHoleToWhoReadsWhileTheyGo) {
  std::atomic<bool> over{false};
  std::thread reader{[&] {
    asio::io_context context;
    while (!over) {
      const Result<Bytes> value = wait_for(context, database_->fetch_blob(name("key")));
      EXPECT_TRUE(value ? *value == large(7) : value.error() == Errc::not_found);
    }
  }};
  for (int round = 0; round < 200; ++round) {
    EXPECT_TRUE(store("key", large(7)));
    EXPECT_TRUE(store("key", {}));
    EXPECT_TRUE(wait_for(context_, database_->sync()));
  }
  over = true;
  reader.join();
}

TEST_F(ValueFilesTest, AreMadeBesideADatabaseOfTheTimeBefore) {
  database_.reset();
  std::filesystem::remove_all(directory_.path);
  std::filesystem::create_directories(directory_.path);
  {
    auto old = sqlite::Connection::open(file_, 16'384).value();
    const char* const schema =
        "PRAGMA application_id = 1397772116; PRAGMA user_version = 1;"
        "CREATE TABLE identity (id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, used INTEGER NOT NULL);"
        "CREATE TABLE blob (id INTEGER PRIMARY KEY, owner INTEGER NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL,"
        " UNIQUE (owner, key));";
    ASSERT_FALSE(old.run(schema));
    auto add = old.prepare("INSERT INTO identity (hash, used) VALUES (?, 40131)").value();
    ASSERT_TRUE(add.start(identity(1)));
    auto put = old.prepare("INSERT INTO blob (owner, key, value) VALUES (1, ?, ?)").value();
    ASSERT_TRUE(put.start(to_bytes("old"), large(1)));
  }
  open();
  ASSERT_TRUE(store("new", large(2)));
  EXPECT_EQ(fetch("old").value(), large(1));
  EXPECT_EQ(fetch("new").value(), large(2));
  EXPECT_EQ(files().size(), 1U);
}

}  // namespace
}  // namespace spot::relay
