// flush, fsck, scrub, writers, conflicts: what the mount's lines say to people.
#include <algorithm>

#include <fcntl.h>
#include <unistd.h>

#include "client/base/encoding.hpp"
#include "fs/tree/control/words.hpp"
#include "mount/ctl/fields.hpp"
#include "mount/ctl/mounts.hpp"
#include "mount/ctl/run.hpp"

namespace spotfs::ctl {
namespace {

constexpr std::size_t kMostRanges = 5;  // that a person is shown of one file

// "45056 bytes at 0 missing, …"
std::string lost_text(const json::object& line) {
  const json::value* const lost = line.if_contains("lost");
  if (lost == nullptr || !lost->is_array()) return {};
  std::string out;
  std::size_t shown = 0;
  for (const json::value& one : lost->get_array()) {
    if (!one.is_array() || one.get_array().size() < 3) continue;
    if (shown++ == kMostRanges) return out + ", …";
    const json::array& fault = one.get_array();
    out.append(out.empty() ? "" : ", ")
        .append(std::to_string(fault[1].to_number<std::uint64_t>()))
        .append(" bytes at ")
        .append(std::to_string(fault[0].to_number<std::uint64_t>()))
        .append(fault[2] == "missing" ? " missing" : " damaged");
  }
  return out;
}

std::string describe_check(const json::object& line) {
  const std::string event = text_of(line, "event"), path = text_of(line, "path");
  if (event == "fault") return path + ": of " + std::to_string(number_of(line, "size")) + " bytes " + lost_text(line);
  if (event == "repair") {
    const std::string action = text_of(line, "action");
    if (action == "moved") return path + ": moved to " + text_of(line, "to");
    if (action == "dropped") return path + ": dropped, as nothing of it can be had";
    if (action == "left") return path + ": left where it is";
    return path + ": is another file by now";
  }
  if (event == "unlisted")
    return (path.empty() ? "the top directory" : path) + ": can't be listed, as a part of it is " +
           text_of(line, "why");
  if (event == "log_fault") {
    const std::string writer = text_of(line, "writer");
    return text_of(line, "key") + (writer.empty() ? "" : " of writer " + writer) + ": " + text_of(line, "why") +
           (flag_of(line, "restored") ? ", stored again" : "");
  }
  if (event == "accepted")
    return "writer " + text_of(line, "writer") +
           ": what the store shows of it is taken; names of its lost changes go with the next mount";
  if (event == "summary") {
    const std::uint64_t faults = number_of(line, "faults"), restored = number_of(line, "restored"),
                        swept = number_of(line, "swept");
    return std::to_string(number_of(line, "files")) + " names, " + std::to_string(number_of(line, "bytes")) +
           " bytes: " + (faults == 0 ? std::string{"all is whole"} : std::to_string(faults) + " not whole") +
           (restored == 0 ? "" : ", " + std::to_string(restored) + " stored again") +
           (swept == 0 ? "" : ", " + std::to_string(swept) + " deleted that nothing names");
  }
  return {};
}

std::string describe_writer(const json::object& line) {
  std::string out = text_of(line, "id");
  if (flag_of(line, "self")) return out + "  this mount";
  out += "  " + text_of(line, "host");
  if (line.contains("age")) out += ", changed " + std::to_string(number_of(line, "age")) + " s ago";
  if (flag_of(line, "rolled_back")) out += ", the relay shows an older state of it than before";
  if (flag_of(line, "log_lost")) out += ", the relay has lost a part of its log: not all that it did is shown";
  return out;
}

std::string describe_conflict(const json::object& line) { return text_of(line, "path"); }

std::string describe_nothing(const json::object&) { return {}; }

// Pages that were changed through mmap are the kernel's until it is told.
void flush_kernel(const std::string& path) {
  const auto place = find_place(path);
  if (!place) return;
  const int directory = ::open(place->directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return;
  ::syncfs(directory);
  ::close(directory);
}

}  // namespace

int run_disk_command(const Invocation& line, Output& output) {
  switch (line.what) {
    case What::flush: flush_kernel(line.place); return run_on_mount(line, "flush", describe_nothing, output);
    case What::scrub: return run_on_mount(line, "scrub", describe_check, output);
    case What::writers: return run_on_mount(line, "writers", describe_writer, output);
    case What::retire:
      return run_on_mount(line, "writers retire " + tree::quoted_word(line.writer), describe_nothing, output);
    case What::conflicts: {
      const auto place = find_place(line.place);
      if (!place) return output.fail(place.error());
      return run_on_mount(line, "conflicts " + tree::quoted_word(place->path), describe_conflict, output);
    }
    default: break;
  }
  const std::string words =
      std::string{"fsck"} + (line.repair ? " repair" : "") + (line.accept_older ? " accept-older" : "");
  return run_on_mount(line, words, describe_check, output);
}

}  // namespace spotfs::ctl
