#include "mount/helpers/umount_helper.hpp"

#include <chrono>
#include <csignal>
#include <cstdio>

#include <sys/signalfd.h>

#include "client/base/descriptor.hpp"
#include "client/base/encoding.hpp"
#include "mount/ctl/child.hpp"
#include "mount/ctl/fields.hpp"
#include "mount/ctl/leaving.hpp"
#include "mount/helpers/mount_helper.hpp"
#include "mount/mount_point.hpp"

namespace spotfs::mount {
namespace {

using spot::Answer;
using spot::Errc;
using spot::Failure;
using namespace std::chrono_literals;

constexpr auto kMoment = 100ms;
constexpr auto kSilent = 1s;

Failure wrong(std::string_view name, const std::string& what) {
  return {Errc::bad_argument, what + ": " + std::string{name} + " DIR [-flnrv] [-N NAMESPACE] [-t TYPE]"};
}

// Readable once one of these signals has come, which then does nothing else.
spot::Descriptor catch_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&set, number);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  return spot::Descriptor{::signalfd(-1, &set, SFD_CLOEXEC)};
}

Outcome await(const ctl::Leaving& leaving, const std::string& directory, int stop) {
  const std::string shown = spot::printable(directory);
  const Outcome elsewhere{Exit::success, shown + " is unmounted; the same mount is still in use elsewhere"};
  if (leaving.has_ended(kMoment)) return {};
  if (leaving.is_elsewhere()) return elsewhere;
  if (leaving.has_ended(kSilent)) return {};
  std::string left = "stores what is left";
  if (leaving.left() != 0) left += " (" + ctl::count_text(leaving.left(), "change", "changes") + ")";
  const std::string limit = std::to_string(leaving.drain().count()) + " s";
  std::fprintf(stderr, "%s: unmounted; its program %s, for at most %s\n", shown.c_str(), left.c_str(), limit.c_str());
  ctl::Progress progress{ctl::When::automatic};
  const ctl::Leaving::End end = leaving.wait(progress, stop);
  progress.hide();
  switch (end) {
    case ctl::Leaving::End::ended: return {};
    case ctl::Leaving::End::elsewhere: return elsewhere;
    case ctl::Leaving::End::stopped: return {Exit::interrupted, shown + ": unmounted; its program still " + left};
    case ctl::Leaving::End::late: break;
  }
  return {Exit::failed, shown + ": unmounted, but its program has not ended; what is left is stored by the next mount"};
}

}  // namespace

Answer<UmountLine> parse_umount_line(std::string_view name, std::span<const char* const> arguments) {
  constexpr std::string_view kFlags = "flnrv";
  UmountLine line;
  bool options_over = false;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view word = arguments[i];
    if (word == "--" && !options_over) {
      options_over = true;
    } else if (options_over || !word.starts_with('-') || word == "-") {
      if (!line.directory.empty()) return wrong(name, "unexpected \"" + spot::printable(word) + "\"");
      line.directory = word;
    } else if (word == "-N" || word == "-t") {
      if (++i == arguments.size()) return wrong(name, std::string{word} + " needs a value behind it");
      if (word == "-N") line.name_space = arguments[i];
    } else if (word.substr(1).find_first_not_of(kFlags) != word.npos) {
      return wrong(name, "unknown option " + spot::printable(word));
    } else {
      line.flags.emplace_back(word);
      line.waits &= word.find_first_of("fl") == word.npos;
    }
  }
  if (line.directory.empty()) return wrong(name, "give the directory of the mount");
  return line;
}

Outcome run_umount_helper(std::string_view name, std::span<const char* const> arguments) {
  const Answer<UmountLine> line = parse_umount_line(name, arguments);
  if (!line) return {Exit::usage, line.error().text};
  if (!line->name_space.empty()) {
    if (const Answer<void> entered = enter_namespace(line->name_space); !entered)
      return {Exit::system, line_of(entered.error())};
  }
  if (const Answer<std::string> place = resolve_place(line->directory); place) {
    const auto mounted = mount_at(*place);
    if (mounted && mounted->type != kMountType)
      return {Exit::usage, spot::printable(line->directory) + ": " + spot::printable(mounted->type) +
                               " is mounted there, not spotfs: use umount"};
  }
  std::signal(SIGPIPE, SIG_IGN);
  const auto leaving = line->waits ? ctl::Leaving::of(line->directory) : std::nullopt;
  const spot::Descriptor signals = catch_signals();
  ctl::Program umount;
  umount.words = {"umount", "--internal-only"};
  umount.words.insert(umount.words.end(), line->flags.begin(), line->flags.end());
  umount.words.insert(umount.words.end(), {"--", line->directory});
  umount.stop = signals.get();
  umount.is_in_our_group = true;
  const auto ended = ctl::run_program(umount);
  if (!ended && ended.error().code == Errc::stopping)
    return {Exit::interrupted, spot::printable(line->directory) + ": interrupted; look whether it is still mounted"};
  if (!ended) return {Exit::system, line_of(ended.error())};
  std::fputs(ended->out.c_str(), stdout);
  std::fputs(ended->errors.c_str(), stderr);
  if (ended->code != 0) return {static_cast<Exit>(ended->code), {}};
  if (!leaving) return {};
  return await(*leaving, line->directory, signals.get());
}

}  // namespace spotfs::mount
