// spotfs [options] SOURCE DIR, and mount.spotfs SPEC DIR [options], as mount(8) calls it.
//
// Thread: any. Errors: one line for the user.
#pragma once

#include <span>

#include "mount/options.hpp"

namespace spotfs::mount {

struct CommandLine {
  enum class What { mount, remount, help, version };

  What what = What::mount;
  Options options;                // complete, if it is to mount
  std::vector<OptionWord> words;  // all that stand behind -o

  // Of mount(8).
  bool is_helper = false;
  bool fake = false;     // all but the mount itself
  bool no_mtab = false;  // nothing is recorded for umount(8)
  bool verbose = false;
  std::string name_space;  // a file: the mount namespace to mount in; empty: this one
};

// What the options of one letter mean: to spotfs, or to mount(8).
enum class Dialect { own, helper };
// By the name that the program is called by.
Dialect dialect_of(std::string_view name);

// `arguments` without the program's name; `user` is who mounts.
spot::Answer<CommandLine> parse_command_line(std::span<const char* const> arguments, uid_t user,
                                             Dialect dialect = Dialect::own);

std::string help_text();

}  // namespace spotfs::mount
