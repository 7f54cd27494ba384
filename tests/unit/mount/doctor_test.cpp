// What spotfsctl doctor finds, on machines that a test makes.
#include "mount/ctl/doctor.hpp"

#include <fstream>
#include <future>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/crypto/keystore.hpp"
#include "mount/ctl/output.hpp"
#include "tests/unit/relay/database_fixture.hpp"

namespace spotfs::ctl {
namespace {

namespace fs = std::filesystem;
using spot::relay::TemporaryDirectory;
using testing::HasSubstr;
using namespace std::chrono_literals;

constexpr uid_t kSomeone = 1'000;

class DoctorTest : public testing::Test {
 protected:
  DoctorTest() {
    machine_.fuse_device = "/dev/null";
    machine_.fuse_conf = at("fuse.conf");
    machine_.updatedb_conf = at("updatedb.conf");
    machine_.mountinfo = at("mountinfo");
    machine_.programs = {at("none"), at("bin")};
    machine_.helpers = {at("sbin"), at("usr-sbin")};
    for (const char* const name : {"bin", "sbin", "usr-sbin"}) fs::create_directory(at(name));
  }

  fs::path at(const std::string& name) const { return directory_.path / name; }
  fs::path write(const std::string& name, const std::string& text, mode_t mode = 0644) const {
    std::ofstream{at(name)} << text;
    EXPECT_EQ(::chmod(at(name).c_str(), mode), 0);
    return at(name);
  }
  fs::path make_directory(const std::string& name, mode_t mode) const {
    fs::create_directory(at(name));
    EXPECT_EQ(::chmod(at(name).c_str(), mode), 0);
    return at(name);
  }

  TemporaryDirectory directory_;
  Machine machine_;
};

void expect_ok(const Finding& finding) { EXPECT_EQ(finding.grade, Grade::ok) << text_of(finding); }
void expect_warning(const Finding& finding, const std::string& text) {
  EXPECT_EQ(finding.grade, Grade::warning) << text_of(finding);
  EXPECT_THAT(text_of(finding), HasSubstr(text));
  EXPECT_NE(finding.todo, "");
}
void expect_failure(const Finding& finding, const std::string& text) {
  EXPECT_EQ(finding.grade, Grade::failure) << text_of(finding);
  EXPECT_THAT(text_of(finding), HasSubstr(text));
  EXPECT_NE(finding.todo, "");
}

// --- What it says ----------------------------------------------------------------------------------------------------

TEST(DoctorFinding, IsALineThatSaysWhatToDo) {
  EXPECT_EQ(text_of(Finding::ok("fuse", "is there")), "ok fuse: is there");
  EXPECT_EQ(text_of(Finding::warning("a", "b", "c")), "warn a: b; c");
  EXPECT_EQ(text_of(Finding::failure("keys", "none", "make some")), "FAIL keys: none; make some");
}

TEST(DoctorFinding, TheExitCodeTellsAFailureFromAMissingNetwork) {
  Finding offline = Finding::failure("host a", "TCP: refused", "wait");
  offline.is_offline = true;
  EXPECT_EQ(exit_code_of({}), kDone);
  EXPECT_EQ(exit_code_of({Finding::warning("a", "b", "c"), Finding::ok("d", "e")}), kDone);
  EXPECT_EQ(exit_code_of({Finding::ok("d", "e"), offline}), kOffline);
  EXPECT_EQ(exit_code_of({offline, Finding::failure("keys", "none", "make some")}), kFailed);
}

// --- This machine ----------------------------------------------------------------------------------------------------

TEST_F(DoctorTest, TheDeviceMustBeThereAndBeOne) {
  expect_ok(check_fuse(machine_));
  machine_.fuse_device = write("file", "");
  expect_failure(check_fuse(machine_), "file is no device");
  machine_.fuse_device = at("missing");
  expect_failure(check_fuse(machine_), "missing: No such file or directory; load the module by modprobe fuse");
}

TEST_F(DoctorTest, OrdinaryUsersNeedFusermount) {
  machine_.user = kSomeone;
  expect_failure(check_fusermount(machine_), "install the package fuse3");
  machine_.user = 0;
  expect_warning(check_fusermount(machine_), "install the package fuse3");
}

TEST_F(DoctorTest, FusermountMustRunAsRoot) {
  const fs::path program = write("bin/fusermount3", "", 0755);
  machine_.user = kSomeone;
  expect_failure(check_fusermount(machine_), "chmod 4755 " + program.string());
  if (::geteuid() != 0) GTEST_SKIP() << "only root can make a program that runs as root";
  write("bin/fusermount3", "", 04755);
  expect_ok(check_fusermount(machine_));
}

TEST_F(DoctorTest, AllowOtherIsForRootUnlessFuseConfSaysMore) {
  machine_.user = 0;
  expect_ok(check_fuse_conf(machine_));
  machine_.user = kSomeone;
  expect_warning(check_fuse_conf(machine_), "user_allow_other");
  write("fuse.conf", "# user_allow_other\nmount_max = 1000\n");
  expect_warning(check_fuse_conf(machine_), "user_allow_other");
  write("fuse.conf", "mount_max = 1000\n  user_allow_other  # for all\n");
  expect_ok(check_fuse_conf(machine_));
}

TEST_F(DoctorTest, MissingHelpersAreNamed) {
  write("sbin/mount.spotfs", "", 0755);
  write("usr-sbin/mount.fuse3", "", 0755);
  const Finding finding = check_helpers(machine_);
  expect_warning(finding, "umount.spotfs, umount.fuse.spotfs not found");
  EXPECT_THAT(finding.text, testing::Not(HasSubstr("mount.fuse3")));
  write("sbin/umount.spotfs", "", 0755);
  write("sbin/umount.fuse.spotfs", "", 0755);
  expect_ok(check_helpers(machine_));
}

TEST_F(DoctorTest, UpdatedbShouldLeaveMountsAlone) {
  expect_ok(check_updatedb(machine_));
  write("updatedb.conf", "PRUNE_BIND_MOUNTS=\"yes\"\nPRUNEFS=\"NFS fuse.sshfs\"\n# PRUNEFS=\"fuse.spotfs\"\n");
  expect_warning(check_updatedb(machine_), "add fuse.spotfs to PRUNEFS in " + at("updatedb.conf").string());
  write("updatedb.conf", "PRUNEFS = \"NFS fuse.spotfs fuse.sshfs\" # all\n");
  expect_ok(check_updatedb(machine_));
}

TEST_F(DoctorTest, AMountWithoutItsProgramIsDead) {
  write("mountinfo",
        "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
        "40 22 0:41 / /mnt/dead\\040one rw - fuse.spotfs spot: rw\n"
        "41 22 0:42 / /mnt/alive rw - fuse.spotfs spot: rw\n"
        "42 22 0:43 / /mnt/other rw - fuse.spotfs spot: rw\n");
  machine_.look = [](const std::string& directory) {
    if (directory == "/mnt/dead one") return ENOTCONN;
    return directory == "/mnt/other" ? EACCES : 0;
  };
  const auto found = check_mounts(machine_);
  ASSERT_EQ(found.size(), 3U);
  expect_failure(found[0], "/mnt/dead one: its program is gone");
  expect_ok(found[1]);
  expect_ok(found[2]);
}

TEST_F(DoctorTest, AMountThatHangsIsNotWaitedFor) {
  write("mountinfo", "40 22 0:41 / /mnt/stuck rw - fuse.spotfs spot: rw\n");
  const auto release = std::make_shared<std::promise<void>>();
  machine_.patience = 10ms;
  machine_.look = [over = release->get_future().share()](const std::string&) {
    over.wait();
    return 0;
  };
  const auto found = check_mounts(machine_);
  release->set_value();
  ASSERT_EQ(found.size(), 1U);
  expect_failure(found[0], "/mnt/stuck: its program does not answer");
}

TEST_F(DoctorTest, NamesFromElsewhereAreEscaped) {
  write("mountinfo", "40 22 0:41 / /mnt/\x1b[2J rw - fuse.spotfs spot: rw\n");
  machine_.look = [](const std::string&) { return ENOTCONN; };
  EXPECT_THAT(text_of(check_mounts(machine_).at(0)), HasSubstr("/mnt/\\x1b[2J"));
}

// --- The identity ----------------------------------------------------------------------------------------------------

TEST_F(DoctorTest, KeysThatAreThereAreNamedByTheirAddress) {
  const auto made = spot::load_or_create_keys(at("keys"));
  ASSERT_TRUE(made);
  const auto found = check_keys(at("keys"), machine_);
  ASSERT_EQ(found.size(), 1U);
  expect_ok(found[0]);
  EXPECT_THAT(found[0].text, HasSubstr(" k."));
}

TEST_F(DoctorTest, MissingKeysAreNoFailureAndNotMade) {
  expect_warning(check_keys(at("keys"), machine_).at(0), "there is no key in");
  EXPECT_FALSE(fs::exists(at("keys")));
  make_directory("keys", 0700);
  expect_warning(check_keys(at("keys"), machine_).at(0), "there is no key in");
  EXPECT_TRUE(fs::is_empty(at("keys")));
}

TEST_F(DoctorTest, KeysThatOthersCanReadAreAFailureEach) {
  ASSERT_TRUE(spot::load_or_create_keys(at("keys")));
  ASSERT_EQ(::chmod(at("keys").c_str(), 0755), 0);
  ASSERT_EQ(::chmod(at("keys/id_ecdsa.key").c_str(), 0640), 0);
  const auto found = check_keys(at("keys"), machine_);
  ASSERT_EQ(found.size(), 2U);
  expect_failure(found[0], "(mode 0755); chmod 700 " + at("keys").string());
  expect_failure(found[1], "(mode 0640); chmod 600 " + at("keys/id_ecdsa.key").string());
}

TEST_F(DoctorTest, KeysOfSomeoneElseAreAFailureUnlessTheyAreRoots) {
  ASSERT_TRUE(spot::load_or_create_keys(at("keys")));
  machine_.user = ::geteuid() + 1;
  const Finding found = check_keys(at("keys"), machine_).at(0);
  if (::geteuid() == 0)
    expect_ok(found);
  else
    expect_failure(found, " belongs to ");
}

TEST_F(DoctorTest, WhatIsNoKeyIsNamedAndNothingOfItShown) {
  ASSERT_TRUE(spot::load_or_create_keys(at("keys")));
  write("keys/id_rsa.key", "SECRET", 0600);
  const auto found = check_keys(at("keys"), machine_);
  ASSERT_EQ(found.size(), 2U);
  expect_warning(found[0], "id_rsa.key");
  for (const Finding& finding : found) EXPECT_THAT(text_of(finding), testing::Not(HasSubstr("SECRET")));
}

TEST_F(DoctorTest, TheStateIsForItsUserAlone) {
  expect_ok(check_state(at("state"), machine_));
  EXPECT_FALSE(fs::exists(at("state")));
  make_directory("state", 0700);
  expect_ok(check_state(at("state"), machine_));
  make_directory("state/one", 0755);
  expect_failure(check_state(at("state"), machine_), "chmod 700 " + at("state/one").string());
  ASSERT_EQ(::chmod(at("state/one").c_str(), 0700), 0);
  machine_.user = ::geteuid() + 1;
  expect_failure(check_state(at("state"), machine_), " belongs to ");
  expect_failure(check_state(write("file", ""), machine_), "is no directory");
  fs::create_directory_symlink(at("state"), at("link"));
  expect_failure(check_state(at("link"), machine_), "is a symbolic link");
}

TEST_F(DoctorTest, ADamagedDatabaseIsAFailure) {
  make_directory("state", 0700);
  make_directory("state/one", 0700);
  write("state/one/journal.db", "");
  expect_ok(check_state(at("state"), machine_));
  write("state/one/journal.db", "neither long nor a database");
  expect_failure(check_state(at("state"), machine_), "journal.db is damaged");
  make_directory("store", 0700);
  write("store/relay.db", "no");
  expect_failure(check_store(at("store"), machine_), "relay.db is damaged");
}

TEST_F(DoctorTest, AStoreMayBeReadByOthersButNotWritten) {
  expect_ok(check_store(at("store"), machine_));
  expect_ok(check_store(make_directory("store", 0755), machine_));
  expect_failure(check_store(make_directory("store", 0777), machine_), "(mode 0777); chmod 700");
}

// --- The clock -------------------------------------------------------------------------------------------------------

struct SetClock final : spot::Clock {
  Wall now{};
  Wall wall() const override { return now; }
  Steady steady() const override { return {}; }
};

TEST_F(DoctorTest, AClockThatWasNeverSetIsAFailure) {
  SetClock clock;
  machine_.clock = &clock;
  expect_failure(check_clock(machine_), "1970-01-01T00:00:00Z");
  clock.now = std::chrono::sys_days{std::chrono::year{2150} / 1 / 1};
  expect_failure(check_clock(machine_), "2150-01-01");
  clock.now = std::chrono::sys_days{std::chrono::year{2027} / 1 / 1};
  expect_ok(check_clock(machine_));
}

TEST(DoctorClock, IsJudgedByHowFarItIsOff) {
  expect_ok(judge_offset(-20ms));
  expect_warning(judge_offset(45s), "45 s behind");
  expect_warning(judge_offset(-45s), "45 s ahead");
  expect_failure(judge_offset(2h), "7200 s behind");
}

}  // namespace
}  // namespace spotfs::ctl
