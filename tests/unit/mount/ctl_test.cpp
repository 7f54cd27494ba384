// spotfsctl: how it finds a mount, what a bar looks like, the programs that it runs, and its exit codes.
#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "client/base/json.hpp"
#include "mount/ctl/arguments.hpp"
#include "mount/ctl/child.hpp"
#include "mount/ctl/fields.hpp"
#include "mount/ctl/mounts.hpp"
#include "mount/ctl/output.hpp"
#include "mount/ctl/progress.hpp"
#include "mount/ctl/status.hpp"

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

TEST(CtlMounts, HaveADeviceAndWhoMountedThem) {
  const std::vector<Mount> mounts = parse_mounts(
      "40 22 0:41 / /mnt/spot rw,nosuid - fuse.spotfs embedded:/s rw,user_id=1000,group_id=7\n"
      "41 22 259:300 / /mnt/disk rw - ext4 /dev/x rw\n");
  ASSERT_EQ(mounts.size(), 2U);
  EXPECT_EQ(mounts[0].device, makedev(0, 41));
  EXPECT_EQ(mounts[0].user, 1000U);
  EXPECT_EQ(mounts[1].device, makedev(259, 300));
  EXPECT_EQ(mounts[1].user, 0U);
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
  EXPECT_EQ(exit_code("EHOSTUNREACH"), 3);
  EXPECT_EQ(exit_code("ENOENT"), 1);
}

// --- Programs --------------------------------------------------------------------------------------------------------

Program of_shell(const std::string& command, std::string input = {}) {
  std::signal(SIGPIPE, SIG_IGN);
  Program out;
  out.words = {"/bin/sh", "-c", command};
  out.input = std::move(input);
  return out;
}

TEST(CtlProgram, GetsItsInputAndEnvironmentAndGivesItsOutput) {
  Program program = of_shell("cat; printf ' %s' \"$SPOT_TEST\"; echo bad >&2; exit 3", "hello");
  program.environment = {{"SPOT_TEST", "from the test"}};
  const Ended ended = run_program(program).value();
  EXPECT_EQ(ended.out, "hello from the test");
  EXPECT_EQ(ended.errors, "bad\n");
  EXPECT_EQ(ended.code, 3);
}

TEST(CtlProgram, ThatDoesNotReadItsInputIsNoError) {
  const Ended ended = run_program(of_shell("exec 0<&-; echo done", std::string(1 << 20, 'x'))).value();
  EXPECT_EQ(ended.out, "done\n");
}

TEST(CtlProgram, MovesMoreThanAPipeHolds) {
  Program program = of_shell("cat", std::string(1 << 20, 'x'));
  program.most = 2 << 20;
  EXPECT_EQ(run_program(program).value().out, program.input);
}

TEST(CtlProgram, ThatSaysTooMuchIsEnded) {
  const auto ended = run_program(of_shell("yes"));
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, spot::Errc::too_large);
}

TEST(CtlProgram, ErrorsAreCutAndASignalIsACode) {
  const Ended ended = run_program(of_shell("yes | head -c 9000 >&2; kill -9 $$")).value();
  EXPECT_EQ(ended.errors.size(), 1'024U);
  EXPECT_EQ(ended.code, 128 + SIGKILL);
  Program none;
  none.words = {"/no/such/program"};
  EXPECT_THAT(run_program(none).error().text, HasSubstr("/no/such/program"));
}

TEST(CtlProgram, DoesNotWaitForWhatItLeavesInTheBackground) {
  const auto begun = std::chrono::steady_clock::now();
  const Ended ended = run_program(of_shell("sleep 120 & echo $!")).value();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds{60});
  EXPECT_EQ(ended.code, 0);
  ASSERT_GT(std::atoi(ended.out.c_str()), 1);
  EXPECT_EQ(::kill(std::atoi(ended.out.c_str()), SIGKILL), 0);
}

TEST(CtlProgram, EndsWithItsWholeGroupWhenItIsToStop) {
  for (const char* const command :
       {"sleep 120 & wait", "trap '' TERM; sleep 120; sleep 120", "exec >&- 2>&-; sleep 120"}) {
    Program program = of_shell(command);
    std::array<int, 2> stop{};
    ASSERT_EQ(::pipe(stop.data()), 0);
    program.stop = stop[0];
    ::close(stop[1]);
    const auto begun = std::chrono::steady_clock::now();
    const auto ended = run_program(program);
    EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds{60}) << command;
    EXPECT_EQ(ended.error().code, spot::Errc::stopping) << command;
    ::close(stop[0]);
  }
}

// --- status, top -----------------------------------------------------------------------------------------------------

TEST(CtlStatus, OperationsAreReadFromMetrics) {
  const Operations operations = parse_operations(
      "# HELP x y\n"
      "spotfs_operation_seconds_bucket{operation=\"read\",le=\"1e-05\"} 1\n"
      "spotfs_operation_seconds_bucket{operation=\"read\",le=\"3e-05\"} 4\n"
      "spotfs_operation_seconds_bucket{operation=\"read\",le=\"0.0001\"} 4\n"
      "spotfs_operation_seconds_sum{operation=\"read\"} 0.25\n"
      "spotfs_operation_seconds_count{operation=\"read\"} 4\n"
      "spotfs_operation_failures_total{operation=\"read\"} 2\n"
      "spotfs_errors_total 7\n"
      "nonsense{operation=\"\n");
  ASSERT_EQ(operations.size(), 1U);
  const OperationFigures& read = operations.at("read");
  EXPECT_EQ(read.took.counts[0], 1U);
  EXPECT_EQ(read.took.counts[1], 3U);
  EXPECT_EQ(read.took.counts[2], 0U);
  EXPECT_EQ(read.took.seconds, 0.25);
  EXPECT_EQ(read.failures, 2U);
}

TEST(CtlStatus, WhatOthersSayIsMadePrintable) {
  const std::string text = status_text(spot::parse_json(R"({"identity":"k.a","source":"embedded:/\u001b[2J",
    "connections":[{"host":"h\n","online":false,"since":0,"last_error":"\u001b]0;x"}],
    "disk":{"uncommitted":2,"writers":[{"id":"w","host":"\u009b1m","age":3,"rolled_back":true}]},
    "last_error":{"time":0,"text":"a\nb"}})")
                                           .value()
                                           .get_object());
  EXPECT_EQ(text.find('\x1b'), text.npos);
  EXPECT_EQ(text.find("\xc2\x9b"), text.npos);
  EXPECT_THAT(text, HasSubstr("2 changes not stored yet"));
  EXPECT_THAT(text, HasSubstr("an older state"));
  EXPECT_THAT(text, HasSubstr("a\\x0ab"));
}

TEST(CtlFields, TextIsMadePrintableOnce) {
  const json::object line{
      {"text", "\x1b[2J a\nb \xc2\x9b c\\x0ad"}, {"long", std::string(100'000, 'x')}, {"number", 7}};
  EXPECT_EQ(text_of(line, "text"), "\\x1b[2J a\\x0ab \\xc2\\x9b c\\x0ad");
  EXPECT_LT(text_of(line, "long").size(), 10'000U);
  EXPECT_EQ(text_of(line, "number"), "");
}

TEST(CtlStatus, OfAnythingElseIsNoReasonToEnd) { EXPECT_THAT(status_text({{"disk", 7}}), HasSubstr("not there yet")); }

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

TEST(CtlArguments, AnEmptyNameStandsForNoMount) {
  for (const char* const command :
       {"status", "top", "log", "umount", "reconnect", "forget", "flush", "fsck", "scrub", "conflicts", "writers"}) {
    const auto line = parse({command, ""});
    ASSERT_FALSE(line) << command;
    EXPECT_EQ(line.error(), kUsage) << command;
  }
  EXPECT_FALSE(parse({"ping", "--mount", ""}));
  EXPECT_FALSE(parse({"writers", "retire", "id", ""}));
  EXPECT_TRUE(parse({"status"}));
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

TEST(CtlArguments, CommandsForPeersTakeTheirWords) {
  const Invocation query = taken({"query", "k.x/test", "-", "--timeout", "5", "--mount", "/m"});
  EXPECT_EQ(query.what, What::query);
  EXPECT_EQ(query.address, "k.x/test");
  EXPECT_EQ(query.body, "-");
  EXPECT_EQ(query.timeout, 5U);
  EXPECT_EQ(query.place, "/m");
  EXPECT_EQ(taken({"query", "k.x/test"}).body, "");
  EXPECT_EQ(taken({"send", "k.x/in", "text", "--from", "me"}).endpoint, "me");
  EXPECT_EQ(taken({"ping"}).what, What::ping);
  EXPECT_EQ(taken({"group", "MFkw"}).what, What::group);
  EXPECT_EQ(taken({"group", "MFkw"}).key, "MFkw");
  const Invocation listen = taken({"listen", "upper", "--exec", "tr a-z A-Z", "--source", "spot:"});
  EXPECT_EQ(listen.command, "tr a-z A-Z");
  EXPECT_TRUE(listen.direct);
  const Invocation log = taken({"log", "-f", "--level", "debug", "/mnt"});
  EXPECT_TRUE(log.follow);
  EXPECT_EQ(log.level, "debug");
  EXPECT_EQ(taken({"umount", "/mnt"}).place, "/mnt");
}

TEST(CtlArguments, WrongUsageIsTwo) {
  for (const std::vector<std::string>& wrong : {std::vector<std::string>{},
                                                {"dance"},
                                                {"blob"},
                                                {"blob", "get"},
                                                {"flush", "--progress", "maybe"},
                                                {"blob", "get", "k", "-o", "ca=x"},
                                                {"umount"},
                                                {"forget"},
                                                {"query"},
                                                {"query", "@/time", "--timeout", "0"},
                                                {"log", "--level", "loud"},
                                                {"listen"},
                                                {"listen", "x", "--exec", ""},
                                                {"group"},
                                                {"top", "--interval", "nan"},
                                                {"top", "--interval", "inf"},
                                                {"time", "--source", ""},
                                                {"time", "--source", "nonsense"},
                                                {"card", "--mount", "/m", "--source", "spot:"},
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
