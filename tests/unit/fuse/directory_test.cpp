// Reading directories: positions that stay right while names come and go.
#include <cerrno>

#include <gmock/gmock.h>

#include "fs/fuse/listing.hpp"
#include "tests/unit/fuse/session_fixture.hpp"

namespace spotfs::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Kernel = FakeKernel;
constexpr std::uint64_t root_id = FUSE_ROOT_ID;

struct Seen {
  std::string name;
  std::uint64_t position = 0;
  std::uint64_t node = 0;  // of readdirplus
};

std::vector<Seen> parse(const std::string& body, bool plus) {
  std::vector<Seen> seen;
  std::size_t at = 0;
  while (at < body.size()) {
    Seen one;
    if (plus) {
      fuse_entry_out entry{};
      std::memcpy(&entry, body.data() + at, sizeof entry);
      one.node = entry.nodeid;
      at += sizeof entry;
    }
    fuse_dirent entry{};
    std::memcpy(&entry, body.data() + at, FUSE_NAME_OFFSET);
    one.position = entry.off;
    one.name = body.substr(at + FUSE_NAME_OFFSET, entry.namelen);
    at += FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + entry.namelen);
    seen.push_back(one);
  }
  return seen;
}

std::vector<std::string> names(const std::vector<Seen>& seen) {
  std::vector<std::string> all;
  for (const Seen& one : seen) all.push_back(one.name);
  return all;
}

class DirectoryTest : public SessionTest {
 protected:
  std::vector<Seen> read(std::uint64_t position, std::uint32_t size = 4096, bool plus = false) {
    return parse(kernel_.read(root_id, handle_, position, size, plus ? FUSE_READDIRPLUS : FUSE_READDIR).body, plus);
  }
  void open_root() { handle_ = kernel_.open(root_id, 0, FUSE_OPENDIR); }

  std::uint64_t handle_ = 0;
};

TEST_F(DirectoryTest, ListsDotsAndNamesInOrder) {
  for (const char* name : {"b", "a", "c"}) root_->put(name, "");
  begin();
  open_root();
  const auto seen = read(0);
  EXPECT_THAT(names(seen), ElementsAre(".", "..", "a", "b", "c"));
  EXPECT_THAT(read(seen.back().position), IsEmpty());
}

TEST_F(DirectoryTest, GoesOnWhereASmallBufferEnded) {
  for (const char* name : {"a", "b", "c", "d", "e"}) root_->put(name, "");
  begin();
  open_root();
  std::vector<std::string> all;
  std::uint64_t position = 0;
  for (auto seen = read(0, 64); !seen.empty(); seen = read(position, 64)) {
    for (const Seen& one : seen) all.push_back(one.name);
    position = seen.back().position;
  }
  EXPECT_THAT(all, ElementsAre(".", "..", "a", "b", "c", "d", "e"));
}

TEST_F(DirectoryTest, MissesNothingWhenWhatWasReadIsRemoved) {
  for (const char* name : {"a", "b", "c", "d"}) root_->put(name, "");
  begin();
  open_root();
  const auto first = read(0, 128);  // ".", "..", "a", "b"
  ASSERT_THAT(names(first), ElementsAre(".", "..", "a", "b"));
  for (const char* name : {"a", "b"}) EXPECT_EQ(kernel_.ask(FUSE_UNLINK, root_id, Kernel::name(name)).error, 0);
  EXPECT_THAT(names(read(first.back().position)), ElementsAre("c", "d"));
}

TEST_F(DirectoryTest, SeeksBackToThePlaceOfAName) {
  for (const char* name : {"a", "b", "c"}) root_->put(name, "");
  begin();
  open_root();
  const auto all = read(0);
  root_->put("aa", "");
  EXPECT_THAT(names(read(all.at(2).position)), ElementsAre("aa", "b", "c"));  // after "a"
  EXPECT_THAT(names(read(all.at(3).position)), ElementsAre("c"));             // after "b"
}

TEST_F(DirectoryTest, ReadsAfreshWhenItIsRewound) {
  root_->put("a", "");
  begin();
  open_root();
  read(0);
  root_->put("0", "");
  EXPECT_THAT(names(read(0)), ElementsAre(".", "..", "0", "a"));
}

TEST_F(DirectoryTest, RefusesAPositionThatNeverWas) {
  begin();
  open_root();
  EXPECT_EQ(kernel_.read(root_id, handle_, 1000, 4096, FUSE_READDIR).error, -EINVAL);
  EXPECT_EQ(kernel_.read(root_id, handle_, ~std::uint64_t{0}, 4096, FUSE_READDIR).error, -EINVAL);
}

TEST_F(DirectoryTest, CountsAReferenceForEachEntryOfReaddirplus) {
  for (const char* name : {"a", "b"}) root_->put(name, "");
  begin();
  open_root();
  const auto seen = read(0, 4096, true);
  ASSERT_THAT(names(seen), ElementsAre(".", "..", "a", "b"));
  EXPECT_EQ(seen[0].node, 0U);
  EXPECT_EQ(seen[2].node, kernel_.id_of(root_id, "a"));
  EXPECT_EQ(session_->known_nodes(), 3U);
}

TEST_F(DirectoryTest, CountsNoReferenceForWhatDidNotFit) {
  for (const char* name : {"a", "b"}) root_->put(name, "");
  begin();
  open_root();
  const auto seen = read(0, 3 * 160, true);
  ASSERT_THAT(names(seen), ElementsAre(".", "..", "a"));
  EXPECT_EQ(session_->known_nodes(), 2U);
}

TEST(Listing, GivesANameItsPositionOnce) {
  fuse::Listing listing;
  const std::uint64_t a = listing.after(fuse::Listing::first, "a");
  const std::uint64_t b = listing.after(a, "b");
  EXPECT_EQ(listing.after(fuse::Listing::first, "a"), a);
  EXPECT_EQ(listing.after(a, "b"), b);
  EXPECT_EQ(listing.before(b), "b");
  EXPECT_EQ(listing.before(b + 1), std::nullopt);
  EXPECT_EQ(listing.before(0), "");
}

}  // namespace
}  // namespace spotfs::test
