#include "client/base/sqlite.hpp"

#include <filesystem>

#include <gtest/gtest.h>
#include <sys/stat.h>

namespace spot::sqlite {
namespace {

namespace fs = std::filesystem;

class SqliteFiles : public testing::Test {
 protected:
  SqliteFiles() {
    std::string path = fs::temp_directory_path() / "spot-sqlite-XXXXXX";
    directory_ = ::mkdtemp(path.data());
    usual_ = ::umask(022);
  }
  ~SqliteFiles() override {
    ::umask(usual_);
    fs::remove_all(directory_);
  }

  static mode_t mode_of(const fs::path& path) {
    struct stat info {};
    EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
    return info.st_mode & 07777;
  }
  Connection open() { return *Connection::open(file(), 4'096); }
  fs::path file(const char* suffix = "") const { return directory_ / (std::string{"x.db"} + suffix); }

  fs::path directory_;
  mode_t usual_ = 0;
};

TEST_F(SqliteFiles, AFullDiskIsNoSpaceOnTheDevice) {
  Connection connection = open();
  ASSERT_FALSE(connection.run("CREATE TABLE t (x)"));
  ASSERT_FALSE(connection.run("PRAGMA max_page_count = 3"));
  EXPECT_EQ(connection.run("INSERT INTO t VALUES (zeroblob(100000))"), std::errc::no_space_on_device);
}

TEST_F(SqliteFiles, AreForTheirOwnerAlone) {
  Connection connection = open();
  ASSERT_FALSE(connection.run("CREATE TABLE t (x)"));
  for (const char* const suffix : {"", "-wal", "-shm"}) EXPECT_EQ(mode_of(file(suffix)), 0600U) << suffix;
}

TEST_F(SqliteFiles, OfEarlierTimesAreTakenBackFromOthers) {
  Connection first = open();
  ASSERT_FALSE(first.run("CREATE TABLE t (x)"));
  for (const char* const suffix : {"", "-wal", "-shm"}) ::chmod(file(suffix).c_str(), 0644);
  Connection second = open();
  ASSERT_FALSE(second.run("INSERT INTO t VALUES (1)"));
  for (const char* const suffix : {"", "-wal", "-shm"}) EXPECT_EQ(mode_of(file(suffix)), 0600U) << suffix;
}

}  // namespace
}  // namespace spot::sqlite
