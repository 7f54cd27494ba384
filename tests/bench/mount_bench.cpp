// Requests of a mount that memory can answer, a second, beside those of a bare libfuse program: what the mount adds to
// the kernel's and libfuse's own cost. And the memory of an idle mount.
//
//   bench_mount SPOTFS BARE        as root
//
// Every call measured is one that the kernel passes on: getattr by statx(AT_STATX_FORCE_SYNC), lookup by stat of many
// names in turn whose entries have run out, open with close, reads of 4 KiB with O_DIRECT. The two take turns, so that
// what else the machine does hits both; the figures are medians. Fails where one is over 1.3 of bare libfuse.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;  // NOLINT: POSIX

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr int kFiles = 4'000;
constexpr std::size_t kSize = 45'056;
constexpr int kRounds = 15;
constexpr auto kTime = 150ms;
constexpr double kBar = 1.3;

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error{what}; }

// A program that mounts, and is ended by the unmount.
class Mounted {
 public:
  Mounted(std::vector<std::string> words, fs::path directory) : directory_{std::move(directory)} {
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    if (posix_spawn(&process_, arguments[0], nullptr, nullptr, arguments.data(), environ) != 0) fail(words[0]);
    const auto deadline = Clock::now() + 20s;
    while (!fs::exists(directory_ / "blobs")) {
      if (Clock::now() > deadline) fail(directory_.string() + ": not mounted");
      std::this_thread::sleep_for(10ms);
    }
  }
  ~Mounted() {
    umount2(directory_.c_str(), MNT_DETACH);
    waitpid(process_, nullptr, 0);
  }
  Mounted(const Mounted&) = delete;
  Mounted& operator=(const Mounted&) = delete;

  fs::path path(int file) const { return directory_ / "blobs" / std::to_string(file); }
  double megabytes() const {
    std::ifstream status{"/proc/" + std::to_string(process_) + "/status"};
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("VmRSS:")) return std::strtod(&line[6], nullptr) / 1024;
    }
    return 0;
  }

 private:
  fs::path directory_;
  pid_t process_ = 0;
};

class Descriptor {
 public:
  Descriptor(const fs::path& path, int flags) : fd_{open(path.c_str(), flags)} {
    if (fd_ < 0) fail(path.string());
  }
  Descriptor(Descriptor&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

// One caller's call, made anew for each caller; it is told how many came before.
using Call = std::function<bool(int)>;
struct Kind {
  const char* name;
  std::function<Call(const Mounted&, int caller)> make;
};

Call getattr(const Mounted& mounted, int caller) {
  auto file = std::make_shared<Descriptor>(mounted.path(caller), O_PATH);
  return [file](int) {
    struct statx info {};
    return statx(file->get(), "", AT_EMPTY_PATH | AT_STATX_FORCE_SYNC, STATX_SIZE, &info) == 0;
  };
}

Call lookup(const Mounted& mounted, int caller) {
  auto names = std::make_shared<std::vector<std::string>>();
  for (int i = 0; i < kFiles; ++i) names->push_back(mounted.path((i + caller * kFiles / 4) % kFiles));
  return [names](int number) {
    struct stat info {};
    return stat((*names)[static_cast<std::size_t>(number % kFiles)].c_str(), &info) == 0;
  };
}

Call open_close(const Mounted& mounted, int caller) {
  return [path = mounted.path(caller).string()](int) {
    const int fd = open(path.c_str(), O_RDONLY);
    return fd >= 0 && close(fd) == 0;
  };
}

Call read_page(const Mounted& mounted, int caller) {
  auto file = std::make_shared<Descriptor>(mounted.path(caller), O_RDONLY | O_DIRECT);
  auto page = std::shared_ptr<void>{std::aligned_alloc(4096, 4096), &std::free};
  return [file, page](int number) { return pread(file->get(), page.get(), 4096, number % 11 * 4096) == 4096; };
}

double calls_per_second(const Kind& kind, const Mounted& mounted, int callers) {
  std::atomic<int> ready{0};
  std::atomic<bool> begun{false}, over{false}, failed{false};
  std::atomic<long> calls{0};
  std::vector<std::thread> threads;
  for (int caller = 0; caller < callers; ++caller) {
    threads.emplace_back([&, call = kind.make(mounted, caller)] {
      ++ready;
      while (!begun) std::this_thread::yield();
      int number = 0;
      while (!over && !failed) {
        if (!call(number++)) failed = true;
      }
      calls += number;
    });
  }
  while (ready != callers) std::this_thread::yield();
  const auto begin = Clock::now();
  begun = true;
  std::this_thread::sleep_for(kTime);
  over = true;
  for (std::thread& thread : threads) thread.join();
  if (failed) fail(std::string{kind.name} + " failed");
  return static_cast<double>(calls) / std::chrono::duration<double>(Clock::now() - begin).count();
}

double median(std::vector<double> values) {
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

// Whether it is within the bar.
bool compare(const Kind& kind, const Mounted& spotfs, const Mounted& bare) {
  bool within = true;
  for (const int callers : {1, 4}) {
    std::vector<double> ours, theirs, ratios;
    for (int round = 0; round < kRounds; ++round) {
      ours.push_back(calls_per_second(kind, spotfs, callers));
      theirs.push_back(calls_per_second(kind, bare, callers));
      ratios.push_back(theirs.back() / ours.back());
    }
    std::printf("%-12s %d caller%s %8.0f/s  bare %8.0f/s  ratio %.2f\n", kind.name, callers, callers == 1 ? " " : "s",
                median(ours), median(theirs), median(ratios));
    within &= median(ratios) <= kBar;
  }
  return within;
}

void write_files(const Mounted& mounted, int number) {
  const std::string content(kSize, 'x');
  for (int i = 0; i < number; ++i) {
    std::ofstream file{mounted.path(i), std::ios::binary};
    file << content;
    if (!file.flush()) fail(mounted.path(i).string());
  }
}

bool run(const std::string& spotfs, const std::string& bare, const fs::path& work) {
  const fs::path ours = work / "spotfs", theirs = work / "bare";
  fs::create_directory(ours);
  fs::create_directory(theirs);
  const std::string options = "identity=" + (work / "identity").string() + ",state=" + (work / "state").string();
  const std::string source = "embedded:" + (work / "store").string();
  bool within = true;
  {
    const Mounted mounted{{spotfs, "-f", "-o", options + ",log=error", source, ours}, ours};
    std::printf("idle mount: %.1f MiB resident\n", mounted.megabytes());
    write_files(mounted, kFiles);
    const Mounted reference{{bare, theirs, std::to_string(kFiles), "3600"}, theirs};
    for (const Kind& kind : {Kind{"getattr", getattr}, Kind{"open, close", open_close}, Kind{"read 4 KiB", read_page}})
      within &= compare(kind, mounted, reference);
  }
  // Where others may write, entries run out.
  const Mounted mounted{{spotfs, "-f", "-o", options + ",log=error,refresh=10ms,listen=127.0.0.1:18443", source, ours},
                        ours};
  const Mounted reference{{bare, theirs, std::to_string(kFiles), "0"}, theirs};
  within &= compare({"lookup", lookup}, mounted, reference);
  if (!within) std::printf("\nNot all of it is within %.1f of bare libfuse.\n", kBar);
  return within;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: bench_mount SPOTFS BARE\n");
    return 2;
  }
  std::string name = (fs::temp_directory_path() / "spotfs-bench-XXXXXX").string();
  const fs::path work = mkdtemp(name.data());
  int code = 1;
  try {
    if (run(argv[1], argv[2], work)) code = 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "bench_mount: %s\n", e.what());
  }
  fs::remove_all(work);
  return code;
}
