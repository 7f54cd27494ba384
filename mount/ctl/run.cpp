#include "mount/ctl/run.hpp"

#include <cerrno>

#include "client/base/encoding.hpp"
#include "fs/tree/time_text.hpp"
#include "mount/ctl/channel.hpp"
#include "mount/ctl/fields.hpp"
#include "mount/ctl/mounts.hpp"

namespace spotfs::ctl {
namespace {

void show_progress(const json::object& line, Progress& progress) {
  const auto number = [&](const char* name) { return number_of(line, name); };
  const std::uint64_t files = number("files"), of_files = number("of_files");
  const std::uint64_t bytes = number("bytes"), of_bytes = number("of_bytes");
  // A file without content counts, too.
  progress.show(bytes + files, of_bytes + of_files,
                std::to_string(files) + " of " + std::to_string(of_files) + " files, " + size_text(bytes) + " of " +
                    size_text(of_bytes));
}

// As the mount's log has it, which nobody can read there any more.
json::object unmounted_line(const std::string& directory) {
  json::object out{{"event", "log"}};
  out["time"] = tree::time_text(spot::Clock::system().wall(), tree::Precision::milliseconds);
  out["level"] = "info";
  out["text"] = "unmounted " + spot::printable(directory);
  return out;
}

// What was asked of a peer by a mount that ends may have been sent.
spot::Failure ended_before_the_end(What what, const std::string& mount, const spot::Failure& why) {
  const bool has_ended = is_end_of_mount(why) || spot::to_errno(why.code) == EIO;
  if (!has_ended || (what != What::query && what != What::send)) return why;
  return {std::error_code{ETIMEDOUT, std::generic_category()},
          spot::printable(mount) + ": the mount has ended meanwhile, the outcome is unknown"};
}

}  // namespace

bool may_go_directly(What what) noexcept {
  switch (what) {
    case What::query:
    case What::send:
    case What::ping:
    case What::time:
    case What::card:
    case What::group:
    case What::listen:
    case What::blob_get:
    case What::blob_put:
    case What::blob_rm: return true;
    default: return false;
  }
}

int run_on_mount(const Invocation& line, const std::string& command, const Show& show, Output& output,
                 std::string_view input) {
  const auto place = find_place(line.place);
  if (!place) return output.fail(place.error());
  auto channel = Channel::open(place->directory, may_go_directly(line.what));
  if (!channel) return output.fail(channel.error());
  if (const auto sent = channel->send(command); !sent) return output.fail(sent.error());
  if (const auto sent = channel->send_input(input); !sent) return output.fail(sent.error());
  Progress progress{line.progress};
  int code = kDone;
  const auto received = channel->receive([&](const json::object& said) {
    if (string_of(said, "event") == "progress") {
      show_progress(said, progress);
      return true;
    }
    progress.hide();
    if (said.contains("error")) {
      const std::string text = text_of(said, "text"), error{string_of(said, "error")};
      code = output.fail(error.empty() ? "EIO" : error, text.empty() ? "it failed" : text);
    } else if (said.contains("done")) {
      if (output.is_json()) output.line({}, said);
    } else if (!show(said, output)) {
      return false;
    }
    return output.works();
  });
  progress.hide();
  if (!received && line.follow && is_end_of_mount(received.error())) {
    show(unmounted_line(place->directory), output);
    if (output.is_json()) output.line({}, {{"done", true}});
  } else if (!received) {
    return output.fail(ended_before_the_end(line.what, place->directory, received.error()));
  }
  return code;
}

int run_on_mount(const Invocation& line, const std::string& command, Describe describe, Output& output) {
  const auto show = [describe](const json::object& said, Output& to) {
    const std::string text = describe(said);
    return (!to.is_json() && text.empty()) || to.line(text, said);
  };
  return run_on_mount(line, command, show, output, {});
}

int run(const Invocation& line, Output& output) {
  switch (line.what) {
    case What::flush:
    case What::fsck:
    case What::scrub:
    case What::writers:
    case What::retire:
    case What::conflicts: return run_disk_command(line, output);
    case What::list: return run_list(output);
    case What::status: return run_status(line, output);
    case What::top: return run_top(line, output);
    case What::log:
    case What::reconnect:
    case What::forget: return run_mount_command(line, output);
    case What::umount: return run_umount(line, output);
    case What::query:
    case What::send:
    case What::ping:
    case What::time:
    case What::card:
    case What::group: return run_peer_command(line, output);
    case What::listen: return run_listen(line, output);
    case What::doctor: return run_doctor(line, output);
    case What::fstab: return run_fstab(line, output);
    case What::blob_get:
    case What::blob_put:
    case What::blob_rm:
    case What::blob_ls: break;
  }
  return line.direct ? run_blob_directly(line, output) : run_blob_on_mount(line, output);
}

}  // namespace spotfs::ctl
