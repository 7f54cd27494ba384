#include "fs/index/state_directory.hpp"

#include <algorithm>
#include <fstream>
#include <thread>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

namespace spotfs {

namespace {

namespace fs = std::filesystem;
using Busy = LockedDirectory::Busy;
using Taken = std::variant<LockedDirectory, Busy>;

class StateDirectory : public testing::Test {
 protected:
  StateDirectory() {
    std::string path = fs::temp_directory_path() / "spotfs-state-XXXXXX";
    directory_ = ::mkdtemp(path.data());
  }
  ~StateDirectory() override { fs::remove_all(directory_); }

  static mode_t mode_of(const fs::path& path) {
    struct stat info {};
    EXPECT_EQ(::stat(path.c_str(), &info), 0);
    return info.st_mode & 07777;
  }
  fs::path directory_;
};

TEST_F(StateDirectory, IsOneMountsAtATime) {
  Answer<Taken> first = LockedDirectory::take(directory_ / "1");
  ASSERT_TRUE(first);
  ASSERT_TRUE(std::holds_alternative<LockedDirectory>(*first));
  Answer<Taken> second = LockedDirectory::take(directory_ / "1");
  ASSERT_TRUE(second);
  EXPECT_EQ(std::get<Busy>(*second), Busy::living);
}

TEST_F(StateDirectory, TellsThatItsMountIsEnding) {
  Answer<Taken> first = LockedDirectory::take(directory_ / "1");
  std::get<LockedDirectory>(*first).set_draining();
  EXPECT_EQ(std::get<Busy>(*LockedDirectory::take(directory_ / "1")), Busy::draining);
}

TEST_F(StateDirectory, IsFreeAgainWhenItsMountIsGone) {
  {
    Answer<Taken> first = LockedDirectory::take(directory_ / "1");
    std::get<LockedDirectory>(*first).set_draining();
  }
  Answer<Taken> second = LockedDirectory::take(directory_ / "1");
  EXPECT_TRUE(std::holds_alternative<LockedDirectory>(*second));
}

TEST_F(StateDirectory, IsForItsOwnerAlone) {
  const fs::path open = directory_ / "open";
  fs::create_directory(open);
  fs::permissions(open, fs::perms::all);
  ASSERT_TRUE(LockedDirectory::take(open));
  EXPECT_EQ(mode_of(open), 0700u);
  EXPECT_EQ(mode_of(open / "lock"), 0600u);
}

TEST_F(StateDirectory, IsRefusedWhereItIsOpenToOthersOrALink) {
  const auto error = [](const fs::path& path) {
    const auto root = StateRoot::open(path, {});
    return root ? "no error" : root.error().text;
  };
  const fs::path open = directory_ / "open";
  fs::create_directories(open / "something");
  for (const mode_t mode : {0710U, 0701U, 0750U, 0777U}) {
    ::chmod(open.c_str(), mode);
    EXPECT_EQ(error(open), open.string() + " is open to others: chmod 700 " + open.string());
    EXPECT_EQ(mode_of(open), mode);
  }
  ::chmod(open.c_str(), 0700);
  EXPECT_EQ(error(open), "no error");
  fs::create_directory_symlink(open, directory_ / "link");
  EXPECT_EQ(error(directory_ / "link"),
            (directory_ / "link").string() + " is a symbolic link: give the directory itself as state=DIR");
  EXPECT_EQ(error(directory_ / "link/below"), "no error");  // those above may be links
}

TEST_F(StateDirectory, IsClosedToOthersWhileNothingIsInIt) {
  const fs::path open = directory_ / "open";
  fs::create_directory(open);
  ::chmod(open.c_str(), 0755);
  EXPECT_TRUE(StateRoot::open(open, {}));
  EXPECT_EQ(mode_of(open), 0700U);
}

TEST_F(StateDirectory, IsRefusedWhereItIsAnotherUsers) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a directory away";
  const fs::path others = directory_ / "others";
  fs::create_directory(others);
  ::chmod(others.c_str(), 0700);
  ASSERT_EQ(::chown(others.c_str(), 4711, 4711), 0);
  const auto root = StateRoot::open(others, {});
  ASSERT_FALSE(root);
  EXPECT_EQ(root.error().code, spot::Errc::bad_permissions);
  EXPECT_EQ(root.error().text, others.string() + " belongs to user 4711: give one of the user who mounts as state=DIR");
}

TEST_F(StateDirectory, KeepsWhatASourceIsKnownBy) {
  const StateRoot root = StateRoot::open(directory_ / "state", {}).value();
  EXPECT_FALSE(root.store_of("embedded:/a"));
  ASSERT_TRUE(root.set_store_of("embedded:/a", BlobId{1}));
  EXPECT_EQ(root.store_of("embedded:/a"), BlobId{1});
  EXPECT_FALSE(root.store_of("embedded:/b"));
  EXPECT_EQ(mode_of(directory_ / "state"), 0700u);
}

TEST_F(StateDirectory, KeepsTheSealedIdOfAStore) {
  const StateRoot root = StateRoot::open(directory_ / "state", {}).value();
  const Bytes sealed{1, 2, 3};
  ASSERT_TRUE(root.keep_sealed_id(BlobId{1}, sealed));
  EXPECT_EQ(root.sealed_id(BlobId{1}), sealed);
  EXPECT_FALSE(root.sealed_id(BlobId{2}));
}

TEST_F(StateDirectory, TakesWhatTwoMountsKeepAtTheSameTime) {
  const StateRoot root = StateRoot::open(directory_ / "state", {}).value();
  const auto keep = [&root] {
    for (int i = 0; i < 100; ++i) {
      const Answer<void> kept = root.set_store_of("embedded:/a", BlobId{1});
      EXPECT_TRUE(kept) << kept.error().text;
    }
  };
  std::thread other{keep};
  keep();
  other.join();
  const auto is_file = [](const fs::directory_entry& entry) { return entry.is_regular_file(); };
  fs::recursive_directory_iterator all{directory_};
  EXPECT_EQ(std::count_if(begin(all), end(all), is_file), 1);
}

TEST_F(StateDirectory, FindsTheWritersInTheOrderInWhichTheyCame) {
  const StateRoot root = StateRoot::open(directory_ / "state", {}).value();
  for (int i = 0; i < 11; ++i) ASSERT_TRUE(LockedDirectory::take(root.new_writer(BlobId{1})));
  const std::vector<fs::path> writers = root.writers(BlobId{1});
  ASSERT_EQ(writers.size(), 11u);
  EXPECT_EQ(writers.front().filename(), "1");
  EXPECT_EQ(writers.back().filename(), "11");
}

TEST_F(StateDirectory, KeepsOneSecretForTheCache) {
  const StateRoot root = StateRoot::open(directory_ / "state", {}).value();
  const spot::SecretBytes secret = root.cache_secret().value();
  EXPECT_EQ(secret.size(), 32u);
  EXPECT_EQ(StateRoot::open(directory_ / "state", {})->cache_secret().value(), secret);
  EXPECT_NE(StateRoot::open(directory_ / "other", {})->cache_secret().value(), secret);
  const fs::path file = directory_ / "state" / root.name() / "cache-secret";
  EXPECT_EQ(mode_of(file), 0600u);
  fs::resize_file(file, 31);
  EXPECT_NE(root.cache_secret().value(), secret);
}

TEST_F(StateDirectory, SaysWhichPathCannotBeUsed) {
  std::ofstream{directory_ / "file"} << "x";
  const Answer<StateRoot> root = StateRoot::open(directory_ / "file", {});
  ASSERT_FALSE(root);
  EXPECT_NE(root.error().text.find("file"), std::string::npos);
}

}  // namespace

}  // namespace spotfs
