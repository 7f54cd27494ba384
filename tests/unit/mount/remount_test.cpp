#include "mount/helpers/remount.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

namespace spotfs::mount {
namespace {

using spot::Answer;
using spot::Errc;
using spot::Failure;
using testing::HasSubstr;

constexpr unsigned long kUsual = MS_NOSUID | MS_NODEV;

class RemountTest : public testing::Test {
 protected:
  RemountTest() { given("timeout=40,state=/s,allow_other"); }

  void given(const std::string& list) {
    const char* const words[] = {"spot:", "/mnt", "-o", list.c_str()};
    running_ = parse_command_line(words, 0).value();
  }
  Answer<unsigned long> flags(const std::string& list, Given given = Given::change) {
    return flags_after(mounted_, split_options(list).value(), given,
                       [this]() -> Answer<CommandLine> { return running_; });
  }
  std::string error(const std::string& list) {
    const auto found = flags(list);
    return found ? "no error" : found.error().text;
  }

  // As the kernel shows it.
  MountEntry mounted_{
      "fuse.spotfs",
      "embedded:/data",
      1,
      {"rw", "nosuid", "nodev", "relatime", "rw", "user_id=0", "group_id=0", "default_permissions", "allow_other"}};
  CommandLine running_;
};

TEST_F(RemountTest, ChangesWhatTheKernelCanChange) {
  EXPECT_EQ(flags("remount,ro").value(), kUsual | MS_RELATIME | MS_RDONLY);
  EXPECT_EQ(flags("ro,rw").value(), kUsual | MS_RELATIME);
  EXPECT_EQ(flags("noexec,noatime,nodiratime,sync").value(),
            kUsual | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME | MS_SYNCHRONOUS);
  EXPECT_EQ(flags("strictatime").value(), kUsual | MS_STRICTATIME);
  EXPECT_EQ(flags("nosymfollow").value(), kUsual | MS_RELATIME | 256);
}

TEST_F(RemountTest, TakesBackWhatTheKernelHas) {
  mounted_.options = {"ro", "nosuid", "nodev", "noexec", "noatime", "ro", "sync"};
  EXPECT_EQ(flags("rw,exec,atime,async").value(), kUsual | MS_RELATIME);
}

TEST_F(RemountTest, KeepsWhatNothingIsSaidOf) {
  mounted_.options = {"ro", "nosuid", "nodev", "noexec", "ro"};
  EXPECT_EQ(flags("remount").value(), kUsual | MS_NOEXEC | MS_RDONLY | MS_STRICTATIME);
}

TEST_F(RemountTest, DropsWhatIsNotInTheWholeThatMountGives) {
  mounted_.options = {"rw", "nosuid", "nodev", "noexec", "noatime", "nodiratime", "rw", "sync"};
  EXPECT_EQ(flags("rw,noatime,remount", Given::whole).value(), kUsual | MS_NOATIME);
  EXPECT_EQ(flags("rw,noexec,sync,remount", Given::whole).value(), kUsual | MS_NOEXEC | MS_SYNCHRONOUS | MS_RELATIME);
  EXPECT_EQ(flags("rw,remount", Given::change).value(),
            kUsual | MS_NOEXEC | MS_SYNCHRONOUS | MS_NOATIME | MS_NODIRATIME);
  mounted_.options = {"rw", "nosuid", "nodev", "rw"};
  EXPECT_EQ(flags("rw,remount", Given::whole).value(), kUsual | MS_STRICTATIME);
}

TEST_F(RemountTest, TakesForTheWholeWhatComesFromMount) {
  const auto given = [](std::vector<const char*> words, Dialect dialect) {
    return given_by(parse_command_line(words, 0, dialect).value());
  };
  EXPECT_EQ(given({"spot:", "/mnt", "-o", "ro,remount"}, Dialect::helper), Given::whole);
  EXPECT_EQ(given({"spot:", "/mnt", "-o", "ro,remount,dev,suid"}, Dialect::own), Given::whole);  // by mount.fuse3
  EXPECT_EQ(given({"spot:", "/mnt", "-o", "ro,remount"}, Dialect::own), Given::change);
}

TEST_F(RemountTest, DoesNotAllowDevicesOrProgramsOfOthersBecauseMountSaysSo) {
  EXPECT_EQ(flags("remount,dev,suid").value(), kUsual | MS_RELATIME);
  EXPECT_THAT(error("allow_suid"), HasSubstr("allow_suid needs umount and mount"));
}

TEST_F(RemountTest, TakesTheSameOptionsAgainForNoChange) {
  for (const char* const same :
       {"timeout=40", "timeout=40s", "state=/x/../s", "allow_other", "default_permissions", "query_timeout=30",
        "_netdev,x-y,user=me,uhelper=spotfs", "rw,nosuid,nodev,relatime,user_id=0,group_id=0,allow_other"})
    EXPECT_EQ(error(same), "no error") << same;
  given("ca=a.pem,cache=none,log=debug");  // a path from another directory
  EXPECT_EQ(error("ca=a.pem,cache=none"), "no error");
  EXPECT_EQ(error("ca=b.pem"), "ca needs umount and mount");
}

TEST_F(RemountTest, NamesWhatNeedsAnotherMount) {
  EXPECT_EQ(error("timeout=41"), "timeout needs umount and mount");
  EXPECT_EQ(error("ro,uid=7"), "uid needs umount and mount");
  EXPECT_EQ(error("dirsync"), "dirsync needs umount and mount");
  EXPECT_EQ(flags("timeout=41").error().code, Errc::bad_argument);
}

TEST_F(RemountTest, AsksTheProgramOnlyWhereItMust) {
  const auto fails = []() -> Answer<CommandLine> { return Failure{Errc::not_found, "it is another user's"}; };
  const auto with = [&](const char* list) {
    return flags_after(mounted_, split_options(list).value(), Given::change, fails);
  };
  EXPECT_TRUE(with("remount,ro,_netdev,noexec"));
  EXPECT_EQ(with("ro,timeout=40").error().text, "it is another user's");
}

}  // namespace
}  // namespace spotfs::mount
