#include "mount/helpers/program.hpp"

#include <cstdio>

#include <unistd.h>

#include "mount/command_line.hpp"
#include "mount/helpers/mount_helper.hpp"
#include "mount/helpers/remount.hpp"
#include "mount/helpers/umount_helper.hpp"
#include "mount/serve.hpp"

namespace spotfs::mount {

Outcome run_program(std::string_view name, std::span<const char* const> arguments) {
  if (name.starts_with("umount.")) return run_umount_helper(name, arguments);
  const auto line = parse_command_line(arguments, ::getuid(), dialect_of(name));
  if (!line) return {Exit::usage, line.error().text};
  switch (line->what) {
    case CommandLine::What::help: std::fputs(help_text().c_str(), stdout); return {};
    case CommandLine::What::version: std::puts("spotfs " SPOTFS_VERSION); return {};
    case CommandLine::What::mount:
    case CommandLine::What::remount: break;
  }
  if (line->is_helper) return run_mount_helper(*line);
  return line->what == CommandLine::What::remount ? remount(*line) : serve(line->options);
}

}  // namespace spotfs::mount
