// umount: ends a mount, and waits until its program has stored what was left.
#include <atomic>
#include <cerrno>
#include <chrono>
#include <thread>

#include <fcntl.h>
#include <pwd.h>
#include <sys/mount.h>
#include <unistd.h>

#include "client/base/descriptor.hpp"
#include "client/base/encoding.hpp"
#include "fs/tree/control/lines.hpp"
#include "mount/ctl/channel.hpp"
#include "mount/ctl/child.hpp"
#include "mount/ctl/fields.hpp"
#include "mount/ctl/leaving.hpp"
#include "mount/ctl/mounts.hpp"
#include "mount/ctl/run.hpp"
#include "mount/ctl/status.hpp"

namespace spotfs::ctl {
namespace {

using spot::Answer;
using spot::Failure;
using namespace std::chrono_literals;

constexpr auto kLook = 200ms;

// Shows what is left, until it is told to stop.
class Watch {
 public:
  Watch(Progress& progress, std::string mount) {
    thread_ = std::thread{[this, &progress, mount = std::move(mount)] {
      std::uint64_t most = 0;
      while (!over_) {
        if (const auto status = read_status(mount)) {
          const std::uint64_t left = left_of(*status);
          most = std::max(most, left);
          progress.show(most - left, most, std::to_string(left) + " left to store");
        }
        std::this_thread::sleep_for(kLook);
      }
    }};
  }
  ~Watch() {
    over_ = true;
    thread_.join();
  }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

 private:
  std::atomic<bool> over_{false};
  std::thread thread_;
};

bool is_all_stored(const std::string& mount) {
  const auto status = read_status(mount);
  return status && left_of(*status) == 0;
}

// Why not all is stored now; the drain tries once more.
std::optional<std::string> store_all(const std::string& mount, Progress& progress) {
  auto channel = Channel::open(mount);
  if (!channel && spot::to_errno(channel.error().code) == EROFS) return std::nullopt;  // nothing waits there
  if (!channel) return tree::sentence_of(channel.error());
  const Watch watch{progress, mount};
  if (const spot::Descriptor top{::open(mount.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)}) ::syncfs(top.get());
  if (const auto sent = channel->send("flush"); !sent) return tree::sentence_of(sent.error());
  std::optional<std::string> why;
  const auto received = channel->receive([&](const json::object& said) {
    if (said.contains("error")) why = text_of(said, "text");
    return true;
  });
  if (!received) return tree::sentence_of(received.error());
  if (why && is_all_stored(mount)) return std::nullopt;
  return why;
}

Failure busy(const std::string& mount) {
  return {
      std::error_code{EBUSY, std::generic_category()},
      spot::printable(mount) + " is in use: close what is open in it, and leave it (fuser -vm DIR shows who it is)"};
}

// What stands in the way where this user has mounted nothing there.
std::optional<Failure> not_ours(const std::string& mount) {
  for (const Mount& one : list_mounts()) {
    if (one.directory != mount || !one.is_spotfs || one.user == ::getuid()) continue;
    const passwd* const entry = ::getpwuid(one.user);
    const std::string name = entry != nullptr ? entry->pw_name : "user " + std::to_string(one.user);
    return Failure{std::error_code{EPERM, std::generic_category()},
                   spot::printable(mount) + ": " + name + " mounted it, and only " +
                       (one.user == 0 ? "root" : name + " or root") + " can umount it"};
  }
  return std::nullopt;
}

Answer<void> take_away(const std::string& mount) {
  if (::umount2(mount.c_str(), UMOUNT_NOFOLLOW) == 0) return {};
  if (errno == EBUSY) return busy(mount);
  if (errno != EPERM) return tree::about(mount, {errno, std::generic_category()});
  if (const auto failure = not_ours(mount)) return *failure;
  Program helper;
  helper.words = {"fusermount3", "-u", "--", mount};
  const Answer<Ended> ended = run_program(helper);
  if (!ended) return ended.error();
  if (ended->code == 0) return {};
  if (ended->errors.find("busy") != std::string::npos) return busy(mount);
  const std::string said = ended->errors.substr(0, ended->errors.find('\n'));
  return Failure{std::error_code{EPERM, std::generic_category()}, spot::printable(mount) + ": " + said};
}

}  // namespace

int run_umount(const Invocation& line, Output& output) {
  const auto place = find_place(line.place);
  if (!place) return output.fail(place.error());
  const std::string shown = spot::printable(place->directory);
  if (!place->path.empty()) return output.fail("EINVAL", "the mount is " + shown + ": give that");
  // The kernel would let it go, and what its program has still to store with it, when that goes on.
  if (const auto status = read_status(place->directory); !status && status.error().code == std::errc::timed_out)
    return output.fail(status.error());
  Progress progress{line.progress};
  const std::optional<Leaving> leaving = Leaving::of(place->directory);
  std::optional<std::string> unstored;
  if (leaving) {
    unstored = store_all(place->directory, progress);
    progress.hide();
  }
  if (const auto gone = take_away(place->directory); !gone) return output.fail(gone.error());
  const Leaving::End end = leaving ? leaving->wait(progress) : Leaving::End::ended;
  progress.hide();
  if (end == Leaving::End::elsewhere) {
    json::object note{{"event", "elsewhere"}};
    tree::put_text(note, "directory", place->directory);
    output.line(shown + " is unmounted; the same mount is still in use elsewhere", note);
  } else if (end != Leaving::End::ended) {
    return output.fail("ETIMEDOUT", shown + " is no mount any more, but its program has not ended");
  }
  if (unstored) {
    json::object note{{"event", "unstored"}};
    note["text"] = *unstored;
    output.line("not all could be stored before (" + spot::printable(*unstored) +
                    "): what the end of the mount could not store is kept here, and stored by the next one",
                note);
  }
  if (output.is_json()) output.line({}, {{"done", true}});
  return kDone;
}

}  // namespace spotfs::ctl
