// What each command does: asks the mount (or, for blob, the relays), and says what comes of it. Gives the exit code.
//
// Thread: one; blocks.
#pragma once

#include <functional>

#include "mount/ctl/arguments.hpp"
#include "mount/ctl/output.hpp"
#include "mount/ctl/progress.hpp"

namespace spotfs::ctl {

int run(const Invocation& line, Output& output);

bool may_go_directly(What what) noexcept;  // with --source

// A command of the mount whose lines are told by `describe`: the text for people; empty: not for them.
using Describe = std::string (*)(const json::object& line);
int run_on_mount(const Invocation& line, const std::string& command, Describe describe, Output& output);
// The same, where a line is shown by `show`; false from it: that is the end. `input` belongs to the command.
using Show = std::function<bool(const json::object& line, Output& output)>;
int run_on_mount(const Invocation& line, const std::string& command, const Show& show, Output& output,
                 std::string_view input);

int run_disk_command(const Invocation& line, Output& output);
int run_list(Output& output);
int run_status(const Invocation& line, Output& output);
int run_top(const Invocation& line, Output& output);
int run_mount_command(const Invocation& line, Output& output);  // log, reconnect, forget
int run_umount(const Invocation& line, Output& output);
int run_peer_command(const Invocation& line, Output& output);  // query, send, ping, time, card, group
int run_listen(const Invocation& line, Output& output);
int run_blob_on_mount(const Invocation& line, Output& output);
int run_doctor(const Invocation& line, Output& output);
int run_fstab(const Invocation& line, Output& output);
int run_blob_directly(const Invocation& line, Output& output);

// All of standard input; of more than `most` bytes so many and one.
spot::Answer<std::string> read_standard_input(std::size_t most);

// All of a file, or of standard input (`-`), in bounded memory.
class Input {
 public:
  static spot::Answer<Input> open(const std::string& file);
  Input(Input&& other) noexcept;
  Input& operator=(Input&&) = delete;
  ~Input();

  std::uint64_t size() const noexcept { return size_; }
  // The next bytes; empty: the end.
  spot::Answer<std::string> read(std::size_t most);
  // All size() of them.
  spot::Answer<std::string> read_all();

 private:
  Input(int descriptor, std::uint64_t size) : descriptor_{descriptor}, size_{size} {}

  int descriptor_;
  std::uint64_t size_ = 0;
};

}  // namespace spotfs::ctl
