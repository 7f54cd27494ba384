#include "fs/store/cache_directory.hpp"

#include <thread>

#include <gmock/gmock.h>

#include "client/crypto/hash.hpp"
#include "tests/unit/store/cache_fixture.hpp"

namespace spotfs {

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using spot::Bytes;
using spot::Errc;
using testing::HasSubstr;
using testing::Not;

class CacheDirectoryTest : public testing::Test, public CacheFiles {
 protected:
  // Incompressible, and the same for a key each time.
  static Bytes value_of(const std::string& key, std::size_t size = 3'000) {
    Bytes out;
    for (int i = 0; out.size() < size; ++i) spot::append(out, spot::sha256(spot::view(key + std::to_string(i))));
    out.resize(size);
    return out;
  }
  // Writes as DiskCache does, a minute after the one before.
  void add(CacheDirectory& cache, const std::string& key, std::size_t size = 3'000) {
    clock().pass(1min);
    cache.make_room(size);
    ASSERT_TRUE(cache.write(key, value_of(key, size)));
  }
  static bool has(CacheDirectory& cache, const std::string& key) { return cache.read(key).has_value(); }
};

TEST_F(CacheDirectoryTest, GivesBackWhatAnEarlierMountKept) {
  add(*open(), "a");
  EXPECT_EQ(open()->read("a"), value_of("a"));
  EXPECT_EQ(open()->read("b"), std::nullopt);
}

TEST_F(CacheDirectoryTest, TakesEverySizeThatABottleHas) {
  const auto cache = open();
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{4'096}, std::size_t{48'900}}) {
    ASSERT_TRUE(cache->write("a", value_of("a", size)));
    EXPECT_EQ(cache->read("a"), value_of("a", size));
  }
  EXPECT_FALSE(cache->write("a", Bytes(70'000)));
}

TEST_F(CacheDirectoryTest, TheLastOneStands) {
  const auto cache = open();
  ASSERT_TRUE(cache->write("a", value_of("one")));
  ASSERT_TRUE(cache->write("a", value_of("two")));
  EXPECT_EQ(cache->read("a"), value_of("two"));
  EXPECT_EQ(files().size(), 1U);
}

TEST_F(CacheDirectoryTest, RemovesACopyAndSaysIfThereWasOne) {
  const auto cache = open();
  add(*cache, "a");
  EXPECT_TRUE(cache->remove("a"));
  EXPECT_FALSE(cache->remove("a"));
  EXPECT_FALSE(has(*cache, "a"));
}

TEST_F(CacheDirectoryTest, CopiesOfAnotherSourceAreNotThere) {
  add(*open(), "a");
  CacheDirectory::Options other = options();
  other.scope = "wss://other";
  EXPECT_FALSE(has(*CacheDirectory::open(other).value(), "a"));
  EXPECT_TRUE(has(*open(), "a"));
}

// --- Room ------------------------------------------------------------------------------------------------------------

TEST_F(CacheDirectoryTest, StaysWithinItsLimit) {
  const std::uint64_t limit = 40 * 4'096;
  const auto cache = open(limit);
  for (int i = 0; i < 200; ++i) {
    add(*cache, "key " + std::to_string(i));
    ASSERT_LE(files().size() * 4'096, limit) << i;
  }
  EXPECT_GE(files().size(), 30U);
  EXPECT_TRUE(has(*cache, "key 199"));
}

TEST_F(CacheDirectoryTest, WhatWasNotUsedForTheLongestTimeGoesFirst) {
  const auto cache = open(8 * 4'096);
  for (const char* const key : {"a", "b", "c", "d", "e", "f", "g", "h"}) add(*cache, key);
  clock().pass(1min);
  ASSERT_TRUE(has(*cache, "a"));  // used
  add(*cache, "i");
  EXPECT_TRUE(has(*cache, "a") && has(*cache, "h") && has(*cache, "i"));
  EXPECT_FALSE(has(*cache, "b"));
}

TEST_F(CacheDirectoryTest, RemembersTheOrderOfUseAcrossMounts) {
  {
    const auto cache = open();
    for (const char* const key : {"a", "b", "c", "d"}) add(*cache, key);
    clock().pass(1min);
    ASSERT_TRUE(has(*cache, "a"));
  }
  open(3 * 4'096)->make_room(0);
  EXPECT_TRUE(has(*open(), "a"));
  EXPECT_FALSE(has(*open(), "b"));
}

TEST_F(CacheDirectoryTest, CountsWhatEarlierMountsKept) {
  for (int i = 0; i < 20; ++i) add(*open(), std::to_string(i));
  open(10 * 4'096)->make_room(0);
  EXPECT_LE(files().size(), 10U);
  EXPECT_GE(files().size(), 8U);
}

TEST_F(CacheDirectoryTest, CountsAndRemovesWhatAKilledMountLeftUnfinished) {
  const auto cache = open(4 * 4'096);
  overwrite(directory() / "new-AAAAAAAAAAAAAAAA", std::string(9'000, 'x'));
  fs::last_write_time(directory() / "new-AAAAAAAAAAAAAAAA", fs::file_time_type::clock::now() - 24h * 365 * 20);
  for (const char* const key : {"a", "b", "c"}) add(*cache, key);
  EXPECT_FALSE(fs::exists(directory() / "new-AAAAAAAAAAAAAAAA"));
  EXPECT_TRUE(has(*cache, "c"));
}

TEST_F(CacheDirectoryTest, TwoThatShareADirectoryStayTogetherWithinALittleMoreThanTheLimit) {
  const std::uint64_t limit = 64 * 4'096;
  const auto one = open(limit), other = open(limit);
  for (int i = 0; i < 300; ++i) {
    add(*one, "one " + std::to_string(i));
    add(*other, "other " + std::to_string(i));
    ASSERT_LE(files().size() * 4'096, limit + limit / 8) << i;
  }
}

// --- What is wrong ---------------------------------------------------------------------------------------------------

TEST_F(CacheDirectoryTest, NothingOfADamagedCopyIsGiven) {
  const auto cache = open();
  add(*cache, "a", 300);
  const std::string whole = content(only_file());
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    ASSERT_TRUE(cache->write("a", value_of("a", 300)));
    overwrite(only_file(), damaged);
    ASSERT_FALSE(has(*cache, "a")) << at;
    ASSERT_TRUE(files().empty()) << at;
  }
}

TEST_F(CacheDirectoryTest, NothingOfACopyThatWasCutShortOrGrewIsGiven) {
  const auto cache = open();
  add(*cache, "a");
  const std::string whole = content(only_file());
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{28}, whole.size() - 1}) {
    ASSERT_TRUE(cache->write("a", value_of("a")));
    overwrite(only_file(), whole.substr(0, size));
    EXPECT_FALSE(has(*cache, "a")) << size;
    EXPECT_TRUE(files().empty());
  }
  for (const std::size_t more : {1U, 1'000'000U}) {
    ASSERT_TRUE(cache->write("a", value_of("a")));
    overwrite(only_file(), whole + std::string(more, '\0'));
    EXPECT_FALSE(has(*cache, "a")) << more;
  }
}

TEST_F(CacheDirectoryTest, ACopyInThePlaceOfAnotherIsNotGiven) {
  const auto cache = open();
  add(*cache, "a");
  const fs::path a = only_file();
  add(*cache, "b");
  for (const fs::path& file : files())
    if (file != a) fs::copy_file(a, file, fs::copy_options::overwrite_existing);
  EXPECT_FALSE(has(*cache, "b"));
  EXPECT_TRUE(has(*cache, "a"));
}

TEST_F(CacheDirectoryTest, FollowsNoSymlinkAndWaitsForNoPipe) {
  const auto cache = open();
  add(*cache, "a");
  const fs::path file = only_file();
  fs::rename(file, root() / "elsewhere");
  fs::create_symlink(root() / "elsewhere", file);
  EXPECT_FALSE(has(*cache, "a"));
  fs::remove(file);
  ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0);
  EXPECT_FALSE(has(*cache, "a"));
}

TEST_F(CacheDirectoryTest, SaysWhatStandsInTheWayOfACopy) {
  const auto cache = open();
  fs::remove_all(directory());
  const spot::Answer<void> written = cache->write("a", value_of("a"));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, std::errc::no_such_file_or_directory);
  EXPECT_EQ(written.error().text, directory().string());
}

// --- Whose it is -----------------------------------------------------------------------------------------------------

TEST_F(CacheDirectoryTest, IsForItsOwnerAlone) {
  ::umask(0);
  const auto cache = open();
  add(*cache, "a");
  EXPECT_EQ(mode_of(directory()), 0700U);
  EXPECT_EQ(mode_of(directory().parent_path()), 0700U);
  EXPECT_EQ(mode_of(only_file()), 0600U);
}

TEST_F(CacheDirectoryTest, RefusesADirectoryThatOthersMayEnter) {
  fs::create_directories(directory());
  fs::permissions(directory(), fs::perms::owner_all | fs::perms::others_read);
  const auto opened = CacheDirectory::open(options());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::bad_permissions);
  EXPECT_THAT(opened.error().text, HasSubstr(directory().string()));
}

TEST_F(CacheDirectoryTest, RefusesASymlinkAFileAndWhatIsSomeoneElses) {
  fs::create_directories(directory().parent_path());
  fs::create_directory(root() / "real");
  fs::permissions(root() / "real", fs::perms::owner_all);
  fs::create_directory_symlink(root() / "real", directory());
  EXPECT_EQ(CacheDirectory::open(options()).error().code, Errc::bad_permissions);
  fs::remove(directory());
  overwrite(directory(), "a file");
  EXPECT_EQ(CacheDirectory::open(options()).error().code, Errc::bad_permissions);
  fs::remove(directory());
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a directory away";
  fs::create_directory(directory());
  fs::permissions(directory(), fs::perms::owner_all);
  ASSERT_EQ(::chown(directory().c_str(), 1, 1), 0);
  EXPECT_EQ(CacheDirectory::open(options()).error().code, Errc::bad_permissions);
}

TEST_F(CacheDirectoryTest, ContentHasASealOfItsOwnAndIsKeptAsItCame) {
  const auto cache = open();
  const std::string key = ".spotfs/c/0123456789abcdefghijkl", bottle(2'000, 'v');
  ASSERT_TRUE(cache->write(key, spot::to_bytes(bottle)));
  EXPECT_EQ(content(only_file()), bottle);
  EXPECT_EQ(only_file().filename().string().find("0123"), std::string::npos);
  EXPECT_EQ(cache->read(key), spot::to_bytes(bottle));
}

TEST_F(CacheDirectoryTest, WhoeverGetsItReadsNeitherKeysNorBlobs) {
  const auto cache = open();
  const std::string key = "a private name", value(2'000, 'v');
  ASSERT_TRUE(cache->write(key, spot::to_bytes(value)));
  const std::string file = content(only_file());
  EXPECT_THAT(file, Not(HasSubstr("vvvv")));
  EXPECT_THAT(file, Not(HasSubstr("private")));
  EXPECT_THAT(only_file().filename().string(), Not(HasSubstr("private")));
  // Who knows the key but not the secret finds nothing by it, neither its name nor what is in it.
  CacheDirectory::Options stolen = options();
  stolen.secret.assign(32, 8);
  EXPECT_FALSE(has(*CacheDirectory::open(stolen).value(), key));
  EXPECT_TRUE(has(*cache, key));
}

// --- Threads ---------------------------------------------------------------------------------------------------------

TEST_F(CacheDirectoryTest, WhatThreadsReadIsWholeOrNotThere) {
  const auto cache = open(30 * 4'096);
  std::atomic<int> wrong{0}, found{0};
  const auto work = [&](int thread) {
    for (int i = 0; i < 400; ++i) {
      const std::string key = std::to_string((i * 7 + thread) % 40);
      if (i % 3 == 0) {
        if (!cache->write(key, value_of(key))) ++wrong;
      } else if (i % 41 == 0) {
        cache->remove(key);
      }
      if (thread == 0) cache->make_room(3'000);
      const std::optional<Bytes> read = cache->read(key);
      if (read) ++found;
      if (read && *read != value_of(key)) ++wrong;
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back(work, i);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(found, 100);
}

}  // namespace

}  // namespace spotfs
