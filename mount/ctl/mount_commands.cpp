// list, log, reconnect, forget.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <boost/json/array.hpp>

#include "client/base/encoding.hpp"
#include "fs/tree/control/lines.hpp"
#include "fs/tree/control/words.hpp"
#include "mount/ctl/fields.hpp"
#include "mount/ctl/mounts.hpp"
#include "mount/ctl/run.hpp"
#include "mount/ctl/status.hpp"

namespace spotfs::ctl {
namespace {

std::string describe_log(const json::object& line) {
  return text_of(line, "time") + " " + text_of(line, "level") + " " + text_of(line, "text");
}

std::string describe_nothing(const json::object&) { return {}; }

// Without the name of the mount, which stands before it.
std::string why_not(const std::string& mount, const spot::Failure& why) {
  const std::string text = tree::sentence_of(why), name = spot::printable(mount);
  const std::string_view rest = std::string_view{text}.substr(text.starts_with(name) ? name.size() : 0);
  return std::string{rest.substr(std::min(rest.find_first_not_of(":/ "), rest.size()))};
}

bool is_online(const json::object& status) {
  for (const json::value& one : array_of(status, "connections")) {
    if (one.is_object() && flag_of(one.get_object(), "online")) return true;
  }
  return false;
}

// Of each connection; for people and for machines.
std::string why_offline(const json::object& status) {
  std::string out;
  for (const json::value& one : array_of(status, "connections")) {
    if (!one.is_object()) continue;
    const std::string why = text_of(one.get_object(), "last_error");
    if (!why.empty()) out.append(out.empty() ? "" : "; ").append(text_of(one.get_object(), "host") + ": " + why);
  }
  return out;
}

// What may be there for the kernel alone, or for all others: only its directory must be there.
int forget(Invocation line, Output& output) {
  std::error_code ec;
  std::filesystem::path path = std::filesystem::absolute(line.place, ec).lexically_normal();
  if (ec) return output.fail("ENOENT", "the working directory is not there any more: give the whole path");
  if (!path.has_filename()) path = path.parent_path();
  line.place = path.parent_path().string();
  const auto place = find_place(line.place);
  if (!place) return output.fail(place.error());
  const std::string name = (std::filesystem::path{place->path} / path.filename()).string();
  return run_on_mount(line, "forget " + tree::quoted_word(name), describe_nothing, output);
}

}  // namespace

int run_list(Output& output) {
  for (const Mount& mount : list_mounts()) {
    if (!mount.is_spotfs) continue;
    json::object line{{"event", "mount"}};
    tree::put_text(line, "directory", mount.directory);
    std::string shown = spot::printable(mount.directory) + "  ";
    if (const auto status = read_status(mount.directory)) {
      const bool online = is_online(*status);
      line["source"] = string_of(*status, "source");
      line["identity"] = string_of(*status, "identity");
      line["online"] = online;
      shown += text_of(*status, "source") + (online ? "  online" : "  offline");
      if (const std::string why = online ? "" : why_offline(*status); !why.empty()) {
        line["why"] = why;
        shown += ": " + why;
      }
    } else {
      const std::string why = why_not(mount.directory, status.error());
      line["why"] = why;
      shown += why;
    }
    output.line(shown, line);
  }
  if (output.is_json()) output.line({}, {{"done", true}});
  return kDone;
}

int run_mount_command(const Invocation& line, Output& output) {
  if (line.what == What::reconnect) return run_on_mount(line, "reconnect", describe_nothing, output);
  if (line.what == What::forget) return forget(line, output);
  if (!line.level.empty()) {
    const int code = run_on_mount(line, "log " + line.level, describe_nothing, output);
    if (code != kDone || !line.follow) return code;
  }
  const auto show = [follow = line.follow](const json::object& said, Output& to) {
    return to.line(describe_log(said), said) && (!follow || to.flush());
  };
  return run_on_mount(line, line.follow ? "log follow" : "log", show, output, {});
}

}  // namespace spotfs::ctl
