// spotfsctl: how it finds a mount, what a bar looks like, and its exit codes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mount/ctl/arguments.hpp"
#include "mount/ctl/mounts.hpp"
#include "mount/ctl/output.hpp"
#include "mount/ctl/progress.hpp"

namespace spotfs::ctl {
namespace {

using testing::HasSubstr;

const std::string kMountinfo =
    "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
    "40 22 0:41 / /mnt/spot rw,nosuid - fuse.spotfs embedded:/s rw,user_id=0\n"
    "41 40 0:42 / /mnt/spot/files/other rw - tmpfs tmpfs rw\n"
    "42 22 0:43 / /mnt/with\\040space rw shared:3 master:1 - fuse.spotfs wss://r rw\n";

TEST(CtlMounts, APathIsInTheDeepestMountAboveIt) {
  const std::vector<Mount> mounts = parse_mounts(kMountinfo);
  ASSERT_EQ(mounts.size(), 4U);
  EXPECT_EQ(find_place(mounts, "/mnt/spot").value().path, "");
  const Place place = find_place(mounts, "/mnt/spot/files/a b").value();
  EXPECT_EQ(place.directory, "/mnt/spot");
  EXPECT_EQ(place.path, "files/a b");
  EXPECT_EQ(find_place(mounts, "/mnt/with space/x").value().directory, "/mnt/with space");
  EXPECT_FALSE(find_place(mounts, "/mnt/spot/files/other/x"));
  EXPECT_FALSE(find_place(mounts, "/mnt/spotless"));
  EXPECT_THAT(find_place(mounts, "/home").error().text, HasSubstr("/home is not in a mount"));
}

TEST(CtlProgress, ABarIsAsLongAsWhatIsDone) {
  EXPECT_EQ(bar(0, 10, "x", 80), "[..............................]   0 %  x");
  EXPECT_EQ(bar(5, 10, "x", 80), "[###############...............]  50 %  x");
  EXPECT_EQ(bar(20, 10, "x", 80), "[##############################] 100 %  x");
  EXPECT_EQ(bar(0, 0, "", 10).size(), 10U);
}

TEST(CtlOutput, ErrorsHaveTheirExitCodes) {
  EXPECT_EQ(exit_code("ENETDOWN"), 3);
  EXPECT_EQ(exit_code("ETIMEDOUT"), 4);
  EXPECT_EQ(exit_code("EREMOTEIO"), 5);
  EXPECT_EQ(exit_code("EINVAL"), 2);
  EXPECT_EQ(exit_code("ENOENT"), 1);
}

boost::system::result<Invocation, int> parse(std::vector<std::string> words) {
  words.insert(words.begin(), "spotfsctl");
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  return parse_arguments(static_cast<int>(arguments.size()), arguments.data());
}

Invocation taken(std::vector<std::string> words) {
  const auto line = parse(std::move(words));
  EXPECT_TRUE(line);
  return line ? *line : Invocation{};
}

TEST(CtlArguments, CommandsTakeTheirWords) {
  EXPECT_EQ(taken({"flush"}).what, What::flush);
  const Invocation fsck = taken({"--json", "fsck", "--repair", "/mnt"});
  EXPECT_TRUE(fsck.json && fsck.repair && !fsck.accept_older);
  EXPECT_EQ(fsck.place, "/mnt");
  EXPECT_EQ(taken({"writers", "/mnt"}).what, What::writers);
  const Invocation retire = taken({"writers", "retire", "abc", "--progress", "never"});
  EXPECT_EQ(retire.what, What::retire);
  EXPECT_EQ(retire.writer, "abc");
  const Invocation put = taken({"blob", "put", "--mount", "/m", "a//b", "file"});
  EXPECT_EQ(put.what, What::blob_put);
  EXPECT_EQ(put.key, "a//b");
  EXPECT_EQ(put.input, "file");
  EXPECT_EQ(put.place, "/m");
}

TEST(CtlArguments, AnIdThatBeginsWithAHyphenIsNoOption) {
  const std::string id = "-QPAoNxNa2ozrsLA4HShQg";
  const auto line = parse({"writers", "retire", id, "/mnt"});
  ASSERT_TRUE(line);
  EXPECT_EQ(line->writer, id);
}

TEST(CtlArguments, WrongUsageIsTwo) {
  for (const std::vector<std::string>& wrong : {std::vector<std::string>{},
                                                {"dance"},
                                                {"blob"},
                                                {"blob", "get"},
                                                {"flush", "--progress", "maybe"},
                                                {"blob", "get", "k", "-o", "ca=x"},
                                                {"blob", "ls", "--source", "spot:"},
                                                {"blob", "get", "k", "--source", "nonsense"},
                                                {"blob", "get", "k", "--source", "spot:", "--mount", "/m"}}) {
    const auto line = parse(wrong);
    ASSERT_FALSE(line);
    EXPECT_EQ(line.error(), 2);
  }
}

}  // namespace
}  // namespace spotfs::ctl
