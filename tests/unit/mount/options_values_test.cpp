// Each option of a mount, with a value that it takes and one that it refuses.
#include <array>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/proto/address.hpp"
#include "mount/options.hpp"

namespace spotfs::mount {
namespace {

using spot::Answer;
using testing::ElementsAre;
using testing::HasSubstr;

Answer<Options> options_of(const std::string& list, bool sloppy = false) {
  Options options;
  options.source = Source::parse("embedded:/data").value();
  if (const auto applied = apply_options(options, list, sloppy); !applied) return applied.error();
  if (const auto completed = complete(options, 0); !completed) return completed.error();
  return options;
}

std::string error_of(const std::string& list) {
  const auto options = options_of(list);
  return options ? "no error" : options.error().text;
}

struct Case {
  const char *good, *bad, *error;
};
constexpr std::array kCases{
    Case{"identity=/i", "identity", "give a path"},
    Case{"state=/s", "state=", "give a path"},
    Case{"cache=/c", "cache=", "give a value"},
    Case{"cache_size=1G", "cache_size=1", "not a size from 16M"},
    Case{"memory=8M", "memory=7M", "not a size from 8M"},
    Case{"subtree=files", "subtree=blobs", "none of files"},
    Case{"delay_connect", "delay_connect=1", "takes no value"},
    Case{"mount_timeout=60", "mount_timeout=0", "is not a time from"},
    Case{"timeout=1", "timeout=999ms", "is not a time from 1s to 1h"},
    Case{"query_timeout=1h", "query_timeout=61m", "is not a time from"},
    Case{"listen_timeout=5m", "listen_timeout=x", "is not a time from"},
    Case{"offline_grace=0", "offline_grace=-1", "is not a time from"},
    Case{"keepalive=15s", "keepalive=0", "is not a time from"},
    Case{"offline=fail", "offline=never", "none of stale, fail"},
    Case{"threads=64", "threads=0", "a number from 1 to 64"},
    Case{"commit=10ms", "commit=9ms", "is not a time from 10ms"},
    Case{"refresh=1h", "refresh=", "give a time"},
    Case{"drain=0", "drain=25h", "is not a time from 0 to 1d"},
    Case{"scrub=7d", "scrub=weekly", "is not a time from"},
    Case{"conflicts=last", "conflicts=first", "none of keep, last"},
    Case{"accept_store", "accept_store=yes", "takes no value"},
    Case{"listen=127.0.0.1:1", "listen=1", "is not ADDRESS:PORT"},
    Case{"bind=require", "bind=maybe", "none of any, require"},
    Case{"plain=none", "plain=all", "none of any, new, none"},
    Case{"peers=12", "peers=no-such-group", "is no group of this machine"},
    Case{"log=warning", "log=loud", "none of debug, info, warning, error"},
    Case{"uid=4000000000", "uid=-1", "is no user of this machine: give a name or number"},
    Case{"gid=0", "gid=4294967295", "is no group of this machine"},
    Case{"umask=077", "umask=1000", "is no mask of permissions: give octal digits, such as 022"},
    Case{"fmask=0", "fmask=8", "is no mask of permissions"},
    Case{"dmask=0777", "dmask=", "give a value"},
    Case{"size=1M", "size=0", "is not a size from 1M"},
    Case{"ro", "ro=1", "takes no value"},
    Case{"rw", "rw=", "takes no value"},
    Case{"allow_other", "allow_other=0", "takes no value"},
    Case{"default_permissions", "default_permissions=0", "takes no value"},
    Case{"allow_suid", "allow_suid=0", "takes no value"},
    Case{"allow_dev", "allow_dev=0", "takes no value"},
    Case{"nosuid", "nosuid=0", "takes no value"},
    Case{"nodev", "nodev=0", "takes no value"},
    Case{"remount", "remount=1", "takes no value"},
    Case{"uhelper=spotfs", "uhelpers=spotfs", "unknown"},
    Case{"x-anything=1,X-other", "y-anything", "unknown"},
};

TEST(MountOptionValues, AreTakenWhereTheyAreGoodAndRefusedWithAReasonOtherwise) {
  for (const Case& one : kCases) {
    EXPECT_EQ(error_of(one.good), "no error") << one.good;
    EXPECT_THAT(error_of(one.bad), HasSubstr(one.error)) << one.bad;
  }
}

TEST(MountOptionValues, SayWhoseIsWhatHasNoOwner) {
  const auto options = options_of("uid=root,gid=12");
  ASSERT_TRUE(options) << options.error().text;
  EXPECT_EQ(options->uid, std::optional<uid_t>{0});
  EXPECT_EQ(options->gid, std::optional<gid_t>{12});
  EXPECT_FALSE(options_of("rw")->uid);
}

TEST(MountOptionValues, MaskFilesAndDirectoriesTogetherOrApart) {
  const auto both = options_of("umask=027");
  EXPECT_EQ(both->file_mask, 027U);
  EXPECT_EQ(both->directory_mask, 027U);
  const auto apart = options_of("umask=027,fmask=0133,dmask=22");
  EXPECT_EQ(apart->file_mask, 0133U);
  EXPECT_EQ(apart->directory_mask, 022U);
}

TEST(MountOptionValues, GiveTheSizeThatDfShows) { EXPECT_EQ(options_of("size=5G")->size, 5ULL << 30); }

TEST(MountOptionValues, OfListsAreTheLastOnesThatWereGiven) {
  const std::string one = spot::identity_target(spot::Sha256{1}), two = spot::identity_target(spot::Sha256{2});
  const auto options = options_of("listen=127.0.0.1:1,allow=" + one + ":" + two + ",allow=" + two);
  ASSERT_TRUE(options) << options.error().text;
  EXPECT_THAT(options->allow, ElementsAre(spot::Sha256{2}));
}

TEST(MountOptionValues, OfWhatIsUnknownArePassedOverSloppily) {
  const auto options = options_of("timout=3,ro", true);
  ASSERT_TRUE(options) << options.error().text;
  EXPECT_TRUE(options->read_only);
  EXPECT_THAT(options_of("timeout=x", true).error().text, HasSubstr("is not a time"));
}

}  // namespace
}  // namespace spotfs::mount
