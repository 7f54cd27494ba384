#include "mount/mount_point.hpp"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/sysmacros.h>

namespace spotfs::mount {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr std::string_view kTable =
    "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
    "40 22 0:45 / /mnt/spot rw,nosuid,nodev shared:9 master:2 - autofs systemd-1 rw\n"
    "41 40 0:46 / /mnt/spot rw,nosuid,nodev - fuse.spotfs embedded:/a\\040b rw,user_id=0\n"
    "42 22 0:47 / /mnt/with\\040space\\134 rw - fuse.spotfs spot: rw\n"
    "43 22 0:48 /\n";

TEST(MountTable, ShowsTheUppermostMount) {
  const auto found = find_mount(kTable, "/mnt/spot");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->type, "fuse.spotfs");
  EXPECT_EQ(found->source, "embedded:/a b");
  EXPECT_EQ(found->device, makedev(0, 46));
}

TEST(MountTable, HasTheOptionsOfTheMountAndOfTheFilesystem) {
  const auto found = find_mount(kTable, "/mnt/spot");
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->has("nodev"));
  EXPECT_TRUE(found->has("user_id=0"));
  EXPECT_FALSE(found->has("noexec"));
  EXPECT_FALSE(found->is_read_only());
  const auto read_only = find_mount("1 2 0:4 / /m ro,nosuid shared:1 - fuse.spotfs spot: rw\n", "/m");
  EXPECT_TRUE(read_only->is_read_only());
}

TEST(MountTable, UnderstandsEscapedNames) {
  const auto found = find_mount(kTable, "/mnt/with space\\");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->source, "spot:");
}

TEST(MountTable, KnowsWhatIsNoMount) {
  EXPECT_FALSE(find_mount(kTable, "/mnt"));
  EXPECT_FALSE(find_mount({}, "/"));
}

class MountPointTest : public testing::Test {
 protected:
  MountPointTest() {
    std::string name = (fs::temp_directory_path() / "spotfs-XXXXXX").string();
    directory_ = fs::canonical(::mkdtemp(name.data()));
  }
  ~MountPointTest() override { fs::remove_all(directory_); }

  fs::path directory_;
};

TEST_F(MountPointTest, IsADirectoryWithoutSymlinks) {
  fs::create_directory(directory_ / "real");
  fs::create_directory_symlink("real", directory_ / "link");
  for (const char* const name : {"real", "link", "link/", "real//", "./real/../link"}) {
    const auto place = prepare_mount_point((directory_ / name).string());
    ASSERT_TRUE(place) << place.error().text;
    EXPECT_EQ(*place, (directory_ / "real").string()) << name;
  }
}

TEST_F(MountPointTest, MustBeThere) {
  const auto place = prepare_mount_point((directory_ / "none").string());
  ASSERT_FALSE(place);
  EXPECT_EQ(spot::to_errno(place.error().code), ENOENT);
  EXPECT_THAT(place.error().text, HasSubstr("none: give an existing directory to mount on"));
}

TEST_F(MountPointTest, MustBeADirectory) {
  std::ofstream{directory_ / "file"} << "x";
  const auto place = prepare_mount_point((directory_ / "file").string());
  ASSERT_FALSE(place);
  EXPECT_EQ(spot::to_errno(place.error().code), ENOTDIR);
  EXPECT_THAT(place.error().text, HasSubstr("give a directory to mount on"));
}

}  // namespace
}  // namespace spotfs::mount
