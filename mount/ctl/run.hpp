// What each command does: asks the mount (or, for blob, the relays), and says what comes of it. Gives the exit code.
//
// Thread: one; blocks.
#pragma once

#include "mount/ctl/arguments.hpp"
#include "mount/ctl/output.hpp"
#include "mount/ctl/progress.hpp"

namespace spotfs::ctl {

int run(const Invocation& line, Output& output);

// A command of the mount whose lines are told by `describe`: the text for people; empty: not for them.
using Describe = std::string (*)(const json::object& line);
int run_on_mount(const Invocation& line, const std::string& command, Describe describe, Output& output);

int run_disk_command(const Invocation& line, Output& output);
int run_blob_on_mount(const Invocation& line, Output& output);
int run_blob_directly(const Invocation& line, Output& output);

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

 private:
  Input(int descriptor, std::uint64_t size) : descriptor_{descriptor}, size_{size} {}

  int descriptor_;
  std::uint64_t size_ = 0;
};

}  // namespace spotfs::ctl
