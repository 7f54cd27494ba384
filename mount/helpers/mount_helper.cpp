#include "mount/helpers/mount_helper.hpp"

#include <cerrno>
#include <cstdio>

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "client/base/descriptor.hpp"
#include "client/base/encoding.hpp"
#include "mount/ctl/child.hpp"
#include "mount/helpers/remount.hpp"
#include "mount/mount_point.hpp"
#include "mount/serve.hpp"

namespace spotfs::mount {
namespace {

using spot::Answer;
using spot::Failure;

// umount(8) starts a helper for the type fuse.spotfs only where its table has something of the mount: without that it
// takes what statfs(2) says for the type, which is fuse. And for who is not root it starts none but the `uhelper`.
// mount(8) with `uhelper` in fstab writes the same by itself.
void record_for_umount(const CommandLine& line) {
  std::string options;
  for (const OptionWord& word : line.words) {
    if (word.name == "uhelper") return;
    if (is_for_others(word.name)) options += word.text + ",";
  }
  const Answer<std::string> place = resolve_place(line.options.directory);
  if (!place) return;
  ctl::Program mount;
  mount.words = {"mount",
                 "--internal-only",
                 "--fake",
                 "--types",
                 std::string{kMountType},
                 "--options",
                 options + "uhelper=spotfs",
                 "--",
                 line.options.source.text,
                 *place};
  mount.is_in_our_group = true;
  const auto ended = ctl::run_program(mount);
  if (line.verbose && (!ended || ended->code != 0))
    std::fputs("mount.spotfs: umount(8) will not wait until all is stored: mount(8) could not note it\n", stderr);
}

}  // namespace

Answer<void> enter_namespace(const std::string& file) {
  const spot::Descriptor opened{::open(file.c_str(), O_RDONLY | O_CLOEXEC)};
  if (opened && ::setns(opened.get(), CLONE_NEWNS) == 0) return {};
  const std::error_code ec{errno, std::generic_category()};
  return Failure{ec, spot::printable(file) + ": no mount namespace to enter: " + ec.message()};
}

Outcome run_mount_helper(const CommandLine& line) {
  if (!line.name_space.empty()) {
    if (const Answer<void> entered = enter_namespace(line.name_space); !entered)
      return {Exit::system, line_of(entered.error())};
  }
  if (line.fake) return {};
  if (line.what == CommandLine::What::remount) return remount(line);
  const Outcome outcome = serve(line.options);
  if (outcome.code != Exit::success) return outcome;
  if (!line.no_mtab && ::getuid() == 0) record_for_umount(line);
  if (line.verbose) {
    std::printf("mount.spotfs: %s mounted on %s.\n", spot::printable(line.options.source.text).c_str(),
                spot::printable(line.options.directory).c_str());
  }
  return outcome;
}

}  // namespace spotfs::mount
