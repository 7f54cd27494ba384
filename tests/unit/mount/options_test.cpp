#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/proto/address.hpp"
#include "mount/command_line.hpp"
#include "mount/option_text.hpp"

namespace spotfs::mount {
namespace {

using spot::Answer;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr uid_t kNobodyAtAll = 4'000'000'000;  // no passwd entry

Answer<Options> options_of(const std::string& list, const std::string& source = "embedded:/data", uid_t user = 0) {
  const char* const arguments[] = {"-o", list.c_str(), source.c_str(), "/mnt"};
  auto line = parse_command_line(arguments, user);
  if (!line) return line.error();
  return std::move(line->options);
}

std::string error_of(const std::string& list, const std::string& source = "embedded:/data", uid_t user = 0) {
  const auto options = options_of(list, source, user);
  return options ? "no error" : options.error().text;
}

std::string hash_address() { return spot::identity_target(spot::Sha256{}); }

TEST(MountOptions, HasTheDefaultsOfTheDesign) {
  const auto options = options_of("defaults");
  ASSERT_TRUE(options) << options.error().text;
  EXPECT_EQ(options->timeout, 30s);
  EXPECT_EQ(options->query_timeout, 30s);
  EXPECT_EQ(options->mount_timeout, 15s);
  EXPECT_EQ(options->offline_grace, 3s);
  EXPECT_EQ(options->keepalive, 15s);
  EXPECT_EQ(options->commit, 1s);
  EXPECT_EQ(options->refresh, 1s);
  EXPECT_EQ(options->drain, 60s);
  EXPECT_EQ(options->plain, tree::PlainValues::any);
  EXPECT_FALSE(options->allow_other);
  EXPECT_GE(options->threads, 1U);
  EXPECT_LE(options->threads, 4U);
}

TEST(MountOptions, KeepsRootsKeysAndStateInTheSystemsDirectoriesWhateverHOMESays) {
  ::setenv("HOME", "/elsewhere", 1);
  const auto options = options_of("rw");
  ASSERT_TRUE(options);
  EXPECT_EQ(options->identity, "/etc/spotfs/identity");
  EXPECT_EQ(options->state, "/var/lib/spotfs/state");
}

TEST(MountOptions, AsksAUserWithoutAHomeForBothDirectories) {
  EXPECT_THAT(error_of("rw", "spot:", kNobodyAtAll), HasSubstr("give -o identity=DIR,state=DIR"));
  EXPECT_EQ(error_of("identity=/a,state=/b", "spot:", kNobodyAtAll), "no error");
}

TEST(MountOptions, TakesValuesOfEveryKind) {
  const auto options = options_of(
      "identity=/i,state=/s,timeout=500,commit=20ms,offline_grace=0,threads=3,plain=new,bind=require,conflicts=last,"
      "log=debug,peers=17,ro,allow_other,default_permissions,accept_store,delay_connect,listen=127.0.0.1:8443,"
      "listen_timeout=5m");
  ASSERT_TRUE(options) << options.error().text;
  EXPECT_EQ(options->identity, "/i");
  EXPECT_EQ(options->state, "/s");
  EXPECT_EQ(options->timeout, 500s);
  EXPECT_EQ(options->commit, 20ms);
  EXPECT_EQ(options->listen_timeout, 5min);
  EXPECT_EQ(options->offline_grace, 0s);
  EXPECT_EQ(options->threads, 3U);
  EXPECT_EQ(options->plain, tree::PlainValues::new_names);
  EXPECT_TRUE(options->require_binding);
  EXPECT_TRUE(options->conflicts_last);
  EXPECT_EQ(options->log, spot::LogLevel::debug);
  EXPECT_EQ(options->peers, std::optional<gid_t>{17});
  EXPECT_TRUE(options->read_only && options->allow_other && options->default_permissions);
  EXPECT_TRUE(options->accept_store && options->delay_connect);
  EXPECT_EQ(options->listen, "127.0.0.1:8443");
}

TEST(MountOptions, LetsLaterOptionsWin) {
  const auto options = options_of("ro,timeout=5,rw,timeout=6,allow_suid,nosuid");
  ASSERT_TRUE(options);
  EXPECT_FALSE(options->read_only);
  EXPECT_FALSE(options->allow_suid);
  EXPECT_EQ(options->timeout, 6s);
}

TEST(MountOptions, LaterOppositesTakeBackWhatTheKernelWouldBeTold) {
  const auto options = options_of(
      "noexec,noatime,nodiratime,sync,relatime,strictatime,exec,atime,diratime,async,norelatime,nostrictatime,noexec");
  ASSERT_TRUE(options);
  EXPECT_THAT(options->kernel_options, ElementsAre("noexec"));
}

TEST(MountOptions, AcceptsAllThatMountPassesAlong) {
  const auto options = options_of(
      "_netdev,nofail,user,users,group,noauto,x-systemd.automount,X-mount.mkdir,relatime,dev,suid,user_id=0,group_id=0,"
      "exec,async,silent,,");
  ASSERT_TRUE(options) << options.error().text;
  EXPECT_FALSE(options->allow_suid);
  EXPECT_FALSE(options->allow_dev);
  EXPECT_THAT(options->kernel_options, ElementsAre("relatime"));
}

TEST(MountOptions, AcceptsTheUsualWordsOfFuseAndChangesNothing) {
  const auto options = options_of("nonempty,auto_unmount,fsname=x,subtype=y,max_read=131072,kernel_cache");
  ASSERT_TRUE(options) << options.error().text;
  EXPECT_EQ(*options, *options_of("defaults"));
  EXPECT_EQ(error_of("allow_root"), "option allow_root: use allow_other, which lets root in, too");
}

TEST(MountOptions, HandsTheKernelsOptionsOnAsTheyWere) {
  const auto options = options_of(R"(noatime,context="system_u:object_r:tmp_t:s0:c1,c2",noexec,nosymfollow)");
  ASSERT_TRUE(options) << options.error().text;
  EXPECT_THAT(options->kernel_options,
              ElementsAre("noatime", R"(context="system_u:object_r:tmp_t:s0:c1,c2")", "noexec", "nosymfollow"));
}

TEST(MountOptions, TakesOnePairOfQuotesOffAValue) {
  const auto options = options_of(R"(ca="/x,y.pem")", "wss://host");
  ASSERT_TRUE(options) << options.error().text;
  EXPECT_EQ(options->ca, "/x,y.pem");
  EXPECT_THAT(error_of(R"(ca="/x,y.pem)", "wss://host"), HasSubstr("not closed"));
  EXPECT_THAT(error_of(R"(ca="/x"y)", "wss://host"), HasSubstr("round the whole value"));
}

TEST(MountOptions, NamesTheGoodRangeOfWhatIsOutsideOfIt) {
  EXPECT_THAT(error_of("timeout=0"), HasSubstr("option timeout: \"0\" is not a time from 1s to 1h"));
  EXPECT_THAT(error_of("timeout=2h"), HasSubstr("from 1s to 1h"));
  EXPECT_THAT(error_of("timeout=-1"), HasSubstr("from 1s to 1h"));
  EXPECT_THAT(error_of("timeout=99999999999999999999"), HasSubstr("from 1s to 1h"));
  EXPECT_THAT(error_of("commit=5 s"), HasSubstr("from 10ms to 1h"));
  EXPECT_THAT(error_of("threads=65"), HasSubstr("a number from 1 to 64"));
  EXPECT_THAT(error_of("threads=two"), HasSubstr("a number from 1 to 64"));
  EXPECT_THAT(error_of("plain=some"), HasSubstr("none of any, new, none"));
}

TEST(MountOptions, RefusesWhatItDoesNotKnow) {
  EXPECT_THAT(error_of("timout=5"), HasSubstr("option timout: unknown"));
  EXPECT_THAT(error_of("timeout"), HasSubstr("give a time: timeout=…"));
  EXPECT_THAT(error_of("identity="), HasSubstr("give a path"));
  EXPECT_THAT(error_of("ro=1"), HasSubstr("takes no value"));
  EXPECT_THAT(error_of("noatime=1"), HasSubstr("takes no value"));
  EXPECT_THAT(error_of("context"), HasSubstr("give a label: context=…"));
}

TEST(MountOptions, TakesAWholeDigestAlone) {
  const Digest digest{{1}, {{WriterId{2}, 3}}};
  const std::string word = to_text(digest);
  EXPECT_EQ(options_of("expect=" + word)->expect, digest);
  EXPECT_THAT(error_of("expect=" + word.substr(1)),
              HasSubstr("option expect: \"" + word.substr(1) + "\" is not a whole"));
}

TEST(MountOptions, CachesWhereNothingIsSaidUnlessTheStoreIsHere) {
  ::setenv("XDG_CACHE_HOME", "/elsewhere", 1);
  EXPECT_EQ(options_of("rw", "spot:")->cache, "/var/cache/spotfs");
  EXPECT_EQ(options_of("rw", "wss://host")->cache, "/var/cache/spotfs");
  EXPECT_EQ(options_of("rw")->cache, "");
  EXPECT_FALSE(options_of("rw", "spot:")->must_cache);
  EXPECT_EQ(options_of("identity=/a,state=/b", "spot:", kNobodyAtAll)->cache, "");
  EXPECT_EQ(options_of("rw", "spot:")->cache_size, 1ULL << 30);
  EXPECT_EQ(options_of("rw", "spot:")->memory, 64ULL << 20);
  EXPECT_EQ(options_of("rw", "spot:")->offline, DiskCache::Offline::stale);
}

TEST(MountOptions, TakesACacheOrNone) {
  const auto options = options_of("cache=/c/../d,cache_size=20G,memory=128M,offline=fail");
  ASSERT_TRUE(options) << options.error().text;
  EXPECT_EQ(options->cache, "/d");
  EXPECT_TRUE(options->must_cache);
  EXPECT_EQ(options->cache_size, 20ULL << 30);
  EXPECT_EQ(options->memory, 128ULL << 20);
  EXPECT_EQ(options->offline, DiskCache::Offline::fail);
  EXPECT_EQ(options_of("cache=/c,cache=none", "spot:")->cache, "");
  EXPECT_FALSE(options_of("cache=/c,cache=none", "spot:")->must_cache);
  EXPECT_EQ(options_of("cache_size=16777216")->cache_size, 16ULL << 20);
  EXPECT_EQ(options_of("cache_size=16384K")->cache_size, 16ULL << 20);
  EXPECT_EQ(options_of("cache_size=1T")->cache_size, 1ULL << 40);
}

TEST(MountOptions, NamesTheGoodSizes) {
  for (const char* const size : {"1M", "0", "1025T", "99999999999999999999", "18014398509481984K", "-1G", "1.5G", "1g",
                                 "1GB", "1 G", "G", "big"}) {
    EXPECT_THAT(error_of(std::string{"cache_size="} + size), HasSubstr("is not a size from 16M to 1024T")) << size;
    if (std::string_view{size} != "1M") continue;
    EXPECT_THAT(error_of(std::string{"memory="} + size), HasSubstr("is not a size from 8M to 64G"));
  }
  EXPECT_THAT(error_of("cache_size"), HasSubstr("give a size: cache_size=…"));
  EXPECT_THAT(error_of("cache="), HasSubstr("option cache: give a value"));
  EXPECT_THAT(error_of("offline=maybe"), HasSubstr("none of stale, fail"));
}

TEST(MountOptions, NeverPrintsControlCharacters) { EXPECT_THAT(error_of("a\x1b[31m"), HasSubstr("\\x1b")); }

TEST(MountOptions, ChecksAddressesOfIdentities) {
  const auto options = options_of("listen=127.0.0.1:1,allow=" + hash_address() + ":" + hash_address());
  ASSERT_TRUE(options) << options.error().text;
  EXPECT_EQ(options->allow.size(), 2U);
  EXPECT_THAT(error_of("listen=127.0.0.1:1,allow=k.short"), HasSubstr("not the address of an identity"));
  EXPECT_THAT(error_of("listen=127.0.0.1:1,allow=" + hash_address() + "/ep"), HasSubstr("not the address"));
  EXPECT_THAT(error_of("groups=AAAA"), HasSubstr("not a group's public key"));
  EXPECT_THAT(error_of("listen=8443"), HasSubstr("not ADDRESS:PORT"));
  EXPECT_THAT(error_of("peers=no-such-group-here"), HasSubstr("is no group of this machine"));
}

TEST(MountOptions, RefusesWhatDoesNotGoTogether) {
  EXPECT_THAT(error_of("listen=127.0.0.1:1", "spot:"), HasSubstr("only with a source embedded:DIR"));
  EXPECT_THAT(error_of("allow=" + hash_address()), HasSubstr("only together with listen"));
  EXPECT_THAT(error_of("ca=/ca.pem"), HasSubstr("needs none"));
  EXPECT_THAT(error_of("subtree=files,delay_connect"), HasSubstr("leave one out"));
}

TEST(MountOptions, LetsRootAloneAllowSetuidAndDevices) {
  EXPECT_EQ(error_of("allow_suid,allow_dev"), "no error");
  EXPECT_THAT(error_of("identity=/a,state=/b,allow_dev", "spot:", 1000), HasSubstr("allow_dev: only root may"));
}

TEST(MountOptions, LetsRootAloneGiveLabels) {
  EXPECT_EQ(error_of("context=x"), "no error");
  for (const std::string name : {"context", "fscontext", "defcontext", "rootcontext"}) {
    EXPECT_EQ(error_of("identity=/a,state=/b,relatime," + name + "=x", "spot:", 1000),
              "option " + name + ": only root may; leave it out");
  }
}

TEST(Sizes, AreWrittenInTheLargestUnitThatFits) {
  EXPECT_EQ(size_text(0), "0");
  EXPECT_EQ(size_text(1'025), "1025");
  EXPECT_EQ(size_text(512 << 10), "512K");
  EXPECT_EQ(size_text(1ULL << 30), "1G");
  EXPECT_EQ(size_text(1ULL << 50), "1024T");
}

TEST(Durations, AreWrittenInTheLargestUnitThatFits) {
  EXPECT_EQ(duration_text(0ms), "0");
  EXPECT_EQ(duration_text(500ms), "500ms");
  EXPECT_EQ(duration_text(90s), "90s");
  EXPECT_EQ(duration_text(2h), "2h");
  EXPECT_EQ(duration_text(24h), "1d");
}

}  // namespace
}  // namespace spotfs::mount
