// doctor: looks at all that a mount needs, and says what to do about what is missing.
//
// Thread: one; blocks. Errors: there are none, each check has a finding. Texts are printable, and tell no secrets.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "client/base/clock.hpp"
#include "mount/loop.hpp"
#include "mount/options.hpp"

namespace spotfs::ctl {

enum class Grade { ok, warning, failure };

struct Finding {
  Grade grade = Grade::ok;
  std::string check;        // one word, or "host NAME"
  std::string text;         // how it is
  std::string todo;         // what to do; empty where all is well
  bool is_offline = false;  // a failure of the network alone

  static Finding ok(std::string check, std::string text);
  static Finding warning(std::string check, std::string text, std::string todo);
  static Finding failure(std::string check, std::string text, std::string todo);
};

// Where it looks; a test has its own.
struct Machine {
  // 0, or an errno, for the root of a mount. May block.
  using Look = std::function<int(const std::string& directory)>;

  std::filesystem::path fuse_device = "/dev/fuse";
  std::filesystem::path fuse_conf = "/etc/fuse.conf";
  std::filesystem::path updatedb_conf = "/etc/updatedb.conf";
  std::filesystem::path mountinfo = "/proc/self/mountinfo";
  std::vector<std::filesystem::path> programs{"/usr/bin", "/bin", "/usr/local/bin"};
  std::vector<std::filesystem::path> helpers{"/sbin", "/usr/sbin"};  // where mount(8) looks
  uid_t user = ::geteuid();
  Look look;
  std::chrono::milliseconds patience{5'000};  // with a mount that does not answer
  const spot::Clock* clock = &spot::Clock::system();
};

// This machine.
Finding check_fuse(const Machine& machine);
Finding check_fusermount(const Machine& machine);
Finding check_fuse_conf(const Machine& machine);
Finding check_helpers(const Machine& machine);
Finding check_updatedb(const Machine& machine);
std::vector<Finding> check_mounts(const Machine& machine);

// What belongs to the identity. Nothing is made.
std::vector<Finding> check_keys(const std::filesystem::path& identity, const Machine& machine);
Finding check_state(const std::filesystem::path& state, const Machine& machine);
Finding check_store(const std::filesystem::path& directory, const Machine& machine);  // of embedded:

// The relays of a source, one after the other; each is told as soon as it is tried.
using Tell = std::function<void(const Finding& finding)>;
void check_hosts(const mount::Options& options, mount::Loop& loop, const Tell& tell);
// A handshake with the identity, and the relay's time.
std::vector<Finding> check_relay(const mount::Options& options);
Finding check_clock(const Machine& machine);
Finding judge_offset(std::chrono::milliseconds behind);  // of this machine's clock to the relay's

// "FAIL keys: …; …"
std::string text_of(const Finding& finding);
int exit_code_of(const std::vector<Finding>& findings) noexcept;

}  // namespace spotfs::ctl
