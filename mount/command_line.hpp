// spotfs [options] SOURCE DIR
//
// Thread: any. Errors: one line for the user.
#pragma once

#include <span>

#include "mount/options.hpp"

namespace spotfs::mount {

struct CommandLine {
  enum class What { mount, help, version };

  What what = What::mount;
  Options options;  // complete, if it is to mount
};

// `arguments` without the program's name; `user` is who mounts.
spot::Answer<CommandLine> parse_command_line(std::span<const char* const> arguments, uid_t user);

std::string help_text();

}  // namespace spotfs::mount
