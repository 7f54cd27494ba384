#include "mount/helpers/remount.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <iterator>

#include <sys/mount.h>
#include <unistd.h>

#include "client/base/encoding.hpp"
#include "mount/ctl/fields.hpp"
#include "mount/ctl/status.hpp"

namespace spotfs::mount {
namespace {

using spot::Answer;
using spot::Errc;
using spot::Failure;

constexpr unsigned long kNoSymFollow = 256;  // MS_NOSYMFOLLOW, since Linux 5.10
constexpr unsigned long kAtime = MS_NOATIME | MS_RELATIME | MS_STRICTATIME;
// Go where the whole of the flags is given without them. nosuid and nodev stay, whatever is said.
constexpr unsigned long kMayGo = MS_NOEXEC | MS_NOATIME | MS_NODIRATIME | MS_SYNCHRONOUS | kNoSymFollow;

struct FlagWord {
  std::string_view name;
  unsigned long set, clear;
};
constexpr std::array flag_words{
    FlagWord{"ro", MS_RDONLY, 0},
    FlagWord{"rw", 0, MS_RDONLY},
    FlagWord{"nosuid", MS_NOSUID, 0},
    FlagWord{"nodev", MS_NODEV, 0},
    FlagWord{"noexec", MS_NOEXEC, 0},
    FlagWord{"exec", 0, MS_NOEXEC},
    FlagWord{"noatime", MS_NOATIME, kAtime},
    FlagWord{"atime", 0, MS_NOATIME},
    FlagWord{"nodiratime", MS_NODIRATIME, 0},
    FlagWord{"diratime", 0, MS_NODIRATIME},
    FlagWord{"relatime", MS_RELATIME, kAtime},
    FlagWord{"strictatime", MS_STRICTATIME, kAtime},
    FlagWord{"sync", MS_SYNCHRONOUS, 0},
    FlagWord{"async", 0, MS_SYNCHRONOUS},
    FlagWord{"nosymfollow", kNoSymFollow, 0},
};

const FlagWord* find_flag(std::string_view name) {
  const auto* const found = std::ranges::find(flag_words, name, &FlagWord::name);
  return found == flag_words.end() ? nullptr : found;
}

unsigned long apply(const FlagWord& word, unsigned long flags) noexcept { return (flags & ~word.clear) | word.set; }

unsigned long flags_of(const MountEntry& mounted) {
  unsigned long flags = 0;
  // "rw" is there where either of mount and filesystem is, "ro" where one of them is.
  for (const std::string& option : mounted.options) {
    const FlagWord* const word = find_flag(option);
    if (word != nullptr && word->set != 0) flags = apply(*word, flags);
  }
  return flags;
}

uid_t user_of(const MountEntry& mounted) {
  constexpr std::string_view kUser = "user_id=";
  uid_t user = 0;
  for (const std::string& option : mounted.options) {
    if (option.starts_with(kUser)) std::from_chars(&option[kUser.size()], option.data() + option.size(), user);
  }
  return user;
}

Failure unknown(const std::string& place, const std::string& why) {
  return {Errc::not_found, spot::printable(place) + ": what it was mounted with can't be seen: " + why};
}

// The command line of its program.
Answer<CommandLine> running_line(const std::string& place, const MountEntry& mounted) {
  const auto status = ctl::read_status(place);
  if (!status) return status.error();
  const std::string process = "/proc/" + std::to_string(ctl::number_of(*status, "pid"));
  std::ifstream file{process + "/cmdline", std::ios::binary};
  const std::string all{std::istreambuf_iterator<char>{file}, {}};
  std::vector<const char*> words;
  for (std::size_t at = 0; at < all.size(); at = all.find('\0', at) + 1) {
    words.push_back(&all[at]);
    if (all.find('\0', at) == all.npos) break;
  }
  if (words.empty()) return unknown(place, "its process is elsewhere");
  const Dialect dialect = dialect_of(words.front());
  auto line = parse_command_line(std::span{words}.subspan(1), user_of(mounted), dialect);
  if (!line) return unknown(place, line.error().text);
  return line;
}

Failure refused(const std::string& name) {
  return {Errc::bad_argument, spot::printable(name) + " needs umount and mount"};
}

Outcome change(const std::string& place, const MountEntry& mounted, unsigned long flags) {
  if (::mount(mounted.source.c_str(), place.c_str(), nullptr, MS_REMOUNT | flags, nullptr) == 0) return {};
  const std::string shown = spot::printable(place);
  if (errno == EPERM) return {Exit::usage, shown + ": only root may remount"};
  if (errno == EBUSY) return {Exit::failed, shown + " is in use: close what is open for writing in it"};
  return {Exit::failed, shown + ": remount: " + std::error_code{errno, std::generic_category()}.message()};
}

}  // namespace

Answer<unsigned long> flags_after(const MountEntry& mounted, const std::vector<OptionWord>& words, Given given,
                                  const ReadLine& running) {
  unsigned long flags = flags_of(mounted);
  if (given == Given::whole) flags &= ~kMayGo;
  std::optional<CommandLine> line;
  for (const OptionWord& word : words) {
    if (word.name == "remount") continue;
    if (const FlagWord* const flag = find_flag(word.name)) {
      flags = apply(*flag, flags);
      continue;
    }
    if (is_for_others(word.name)) continue;
    if (!line) {
      Answer<CommandLine> read = running();
      if (!read) return read.error();
      line = *std::move(read);
    }
    // In the same words it is the same, also a path that was meant from another directory.
    if (std::ranges::find(line->words, word.text, &OptionWord::text) != line->words.end()) continue;
    const Answer<bool> is_new = is_change(line->options, word);
    if (!is_new) return is_new.error();
    if (*is_new) return refused(word.name);
  }
  // Said in so many words: mount(2) leaves the times of reading as they are where it is told nothing about them. None
  // of them is what the kernel shows of strictatime; what was noatime becomes what is usual.
  const unsigned long usual = mounted.has("noatime") ? MS_RELATIME : MS_STRICTATIME;
  if ((flags & kAtime) == 0) flags |= usual;
  return flags;
}

Given given_by(const CommandLine& line) {
  // mount.fuse3 always says something of suid.
  const bool by_mount = line.is_helper || std::ranges::any_of(line.words, [](const OptionWord& word) {
                          return word.name == "suid" || word.name == "nosuid";
                        });
  return by_mount ? Given::whole : Given::change;
}

Outcome remount(const CommandLine& line) {
  const Answer<std::string> place = resolve_place(line.options.directory);
  if (!place) return outcome_of(place.error());
  const auto mounted = mount_at(*place);
  if (!mounted || mounted->type != kMountType)
    return {Exit::failed, spot::printable(*place) + " has no mount of spotfs: mount it without remount"};
  if (line.options.source.text != mounted->source)
    return {Exit::usage, "source " + spot::printable(line.options.source.text) +
                             " needs umount and mount: " + spot::printable(mounted->source) + " is mounted"};
  const auto flags = flags_after(*mounted, line.words, given_by(line), [&] { return running_line(*place, *mounted); });
  if (!flags) return outcome_of(flags.error());
  return change(*place, *mounted, *flags);
}

}  // namespace spotfs::mount
