// How mount(8) and umount(8) call their helpers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mount/command_line.hpp"
#include "mount/helpers/umount_helper.hpp"

namespace spotfs::mount {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Words = std::vector<const char*>;

spot::Answer<CommandLine> parse(const Words& words) { return parse_command_line(words, 0, Dialect::helper); }
std::string error_of(const Words& words) {
  const auto line = parse(words);
  return line ? "no error" : line.error().text;
}

TEST(MountHelper, TakesAllThatMountPasses) {
  const auto line = parse({"spot:", "/mnt", "-s", "-f", "-n", "-v", "-o", "rw,user,timeout=5,nonsense", "-t",
                           "fuse.spotfs", "-N", "/proc/1/ns/mnt"});
  ASSERT_TRUE(line) << line.error().text;
  EXPECT_TRUE(line->is_helper && line->fake && line->no_mtab && line->verbose);
  EXPECT_FALSE(line->options.foreground);
  EXPECT_EQ(line->options.timeout, 5s);
  EXPECT_EQ(line->name_space, "/proc/1/ns/mnt");
  EXPECT_EQ(line->words.size(), 4U);
}

TEST(MountHelper, TakesLettersTogether) {
  const auto line = parse({"-sfnv", "spot:", "-oro", "/mnt"});
  ASSERT_TRUE(line) << line.error().text;
  EXPECT_TRUE(line->fake && line->no_mtab && line->verbose && line->options.read_only);
  EXPECT_EQ(parse({"-nvo", "ro", "spot:", "/mnt"})->options.read_only, true);
}

TEST(MountHelper, IsSloppyWhereverItIsTold) {
  EXPECT_EQ(error_of({"spot:", "/mnt", "-o", "nonsense", "-s"}), "no error");
  EXPECT_THAT(error_of({"spot:", "/mnt", "-o", "nonsense"}), HasSubstr("option nonsense: unknown"));
}

TEST(MountHelper, SaysWhatIsWrong) {
  EXPECT_THAT(error_of({"spot:", "/mnt", "-d"}), HasSubstr("unknown option -d; see mount.spotfs(8)"));
  EXPECT_THAT(error_of({"spot:", "/mnt", "-t"}), HasSubstr("-t needs a value"));
  EXPECT_THAT(error_of({"spot:"}), HasSubstr("SOURCE DIR"));
}

TEST(MountHelper, ChangesAMountThatIsThereWithRemount) {
  const auto line = parse({"spot:", "/mnt", "-o", "ro,remount"});
  ASSERT_TRUE(line) << line.error().text;
  EXPECT_EQ(line->what, CommandLine::What::remount);
  const Words own{"spot:", "/mnt", "-o", "ro,remount"};
  EXPECT_EQ(parse_command_line(own, 0)->what, CommandLine::What::remount);
}

TEST(UmountHelper, TakesAllThatUmountPasses) {
  const Words words{"/mnt", "-n", "-r", "-v", "-t", "fuse.spotfs", "-N", "/ns"};
  const auto line = parse_umount_line("umount.spotfs", words);
  ASSERT_TRUE(line) << line.error().text;
  EXPECT_EQ(line->directory, "/mnt");
  EXPECT_EQ(line->name_space, "/ns");
  EXPECT_THAT(line->flags, ElementsAre("-n", "-r", "-v"));
  EXPECT_TRUE(line->waits);
}

TEST(UmountHelper, DoesNotWaitForAProgramThatMayNotAnswer) {
  for (const char* const flag : {"-l", "-f", "-nl"})
    EXPECT_FALSE(parse_umount_line("umount.spotfs", Words{"/mnt", flag})->waits) << flag;
}

TEST(UmountHelper, SaysWhatIsWrong) {
  const auto error = [](const Words& words) { return parse_umount_line("umount.spotfs", words).error().text; };
  EXPECT_EQ(error({}), "give the directory of the mount: umount.spotfs DIR [-flnrv] [-N NAMESPACE] [-t TYPE]");
  EXPECT_THAT(error({"/a", "/b"}), HasSubstr("unexpected \"/b\""));
  EXPECT_THAT(error({"/a", "-x"}), HasSubstr("unknown option -x"));
  EXPECT_THAT(error({"/a", "-N"}), HasSubstr("-N needs a value"));
}

}  // namespace
}  // namespace spotfs::mount
