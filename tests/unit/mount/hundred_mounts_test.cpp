// Real mounts, one after the other in one process, so that a sanitizer sees what each of them leaves behind.
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>

#include "client/base/descriptor.hpp"
#include "mount/filesystem.hpp"
#include "tests/unit/relay/database_fixture.hpp"

namespace spotfs::mount {
namespace {

namespace fs = std::filesystem;

#if defined(__SANITIZE_THREAD__)
constexpr bool kWatchesThreads = true;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
constexpr bool kWatchesThreads = true;
#else
constexpr bool kWatchesThreads = false;
#endif
#else
constexpr bool kWatchesThreads = false;
#endif
constexpr int kMounts = kWatchesThreads ? 10 : 100;  // leaks are looked for elsewhere

std::size_t count_entries(const fs::path& directory) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator{directory}, fs::directory_iterator{}));
}

class HundredMountsTest : public testing::Test {
 protected:
  // In a mount namespace of this thread's, and of those that it makes: what is mounted ends with them.
  void SetUp() override {
    const spot::Descriptor device{::open("/dev/fuse", O_RDWR | O_CLOEXEC)};
    const bool is_able =
        device && ::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", "none", MS_REC | MS_PRIVATE, nullptr) == 0;
    if (is_able) return;
    if (const char* const ci = std::getenv("CI"); ci != nullptr && std::string_view{ci} == "true")
      FAIL() << "no real mounts here: not root, or no /dev/fuse";
    GTEST_SKIP() << "no real mounts here: not root, or no /dev/fuse";
  }

  Options options() const {
    Options out;
    EXPECT_TRUE(apply_options(out, "identity=" + at("keys") + ",state=" + at("state") + ",threads=2,mount_timeout=60"));
    out.source = Source::parse("embedded:" + at("store")).value();
    out.directory = at("m");
    EXPECT_TRUE(complete(out, 0));
    return out;
  }
  std::string at(const char* name) const { return (directory_.path / name).string(); }

  // From the start to the end of one mount, by umount or as by a signal.
  void mount_once(const Options& options, int number) {
    Loop loop{options.threads};
    Filesystem filesystem{loop, options, options.directory, [](spot::LogLevel, const std::string&) {}};
    const auto opened = filesystem.open();
    EXPECT_TRUE(opened) << opened.error().text;
    if (opened) {
      const std::string file = options.directory + "/files/number";
      std::ofstream{file} << number;
      int read = -1;
      std::ifstream{file} >> read;
      EXPECT_EQ(read, number);
      if (number % 2 == 0)
        EXPECT_EQ(::umount2(options.directory.c_str(), MNT_DETACH), 0);
      else
        filesystem.stop();
      filesystem.wait();
    }
    filesystem.close();
    EXPECT_TRUE(loop.end(std::chrono::seconds{60}));
  }

  spot::relay::TemporaryDirectory directory_;
};

TEST_F(HundredMountsTest, LeaveNoThreadAndNoDescriptor) {
  fs::create_directory(at("m"));
  const Options options = this->options();
  mount_once(options, 0);  // what is made once, for all
  const std::size_t threads = count_entries("/proc/self/task"), descriptors = count_entries("/proc/self/fd");
  for (int i = 1; i <= kMounts && !HasFailure(); ++i) mount_once(options, i);
  EXPECT_EQ(count_entries("/proc/self/task"), threads);
  EXPECT_EQ(count_entries("/proc/self/fd"), descriptors);
}

}  // namespace
}  // namespace spotfs::mount
