// The lines that spotfsctl fstab prints.
#include "mount/ctl/fstab.hpp"

#include <gtest/gtest.h>

namespace spotfs::ctl {
namespace {

std::string line_of(const std::string& source, const std::string& directory, const std::string& given = {}) {
  mount::Options options;
  options.source = mount::Source::parse(source).value();
  options.directory = directory;
  EXPECT_TRUE(mount::apply_options(options, given));
  return fstab_line(options, given).text();
}

TEST(Fstab, AMachineBootsWithoutARelay) {
  EXPECT_EQ(line_of("wss://relay.example.org:8443", "/mnt/spot"),
            "wss://relay.example.org:8443 /mnt/spot spotfs "
            "_netdev,nofail,x-systemd.automount,delay_connect,uhelper=spotfs 0 0");
}

TEST(Fstab, AStoreOnThisMachineNeedsNoNetwork) {
  EXPECT_EQ(line_of("embedded:/var/lib/spotfs/store", "/mnt/spot", "allow_other"),
            "embedded:/var/lib/spotfs/store /mnt/spot spotfs "
            "nofail,x-systemd.automount,uhelper=spotfs,allow_other 0 0");
}

TEST(Fstab, TheDiskAloneHasNothingToShowWithoutAConnection) {
  EXPECT_EQ(line_of("spot:", "/mnt/spot", "subtree=files"),
            "spot: /mnt/spot spotfs _netdev,nofail,x-systemd.automount,uhelper=spotfs,subtree=files 0 0");
}

TEST(Fstab, WhatIsNotMountedAtBootNeedsNothingForIt) {
  EXPECT_EQ(line_of("spot:", "/mnt/spot", "noauto,user"),
            "spot: /mnt/spot spotfs _netdev,uhelper=spotfs,noauto,user 0 0");
}

TEST(Fstab, WhatIsGivenIsKeptAndNotRepeated) {
  const std::string whole = "_netdev,nofail,x-systemd.automount,delay_connect,uhelper=spotfs,ro";
  EXPECT_EQ(line_of("spot:", "/mnt/spot", whole), "spot: /mnt/spot spotfs " + whole + " 0 0");
}

TEST(Fstab, WhatSeparatesFieldsIsEscaped) {
  EXPECT_EQ(line_of("embedded:/a b", "/mnt/t\tn\nb\\", "noauto,identity=/k k"),
            "embedded:/a\\040b /mnt/t\\011n\\012b\\134 spotfs uhelper=spotfs,noauto,identity=/k\\040k 0 0");
}

}  // namespace
}  // namespace spotfs::ctl
