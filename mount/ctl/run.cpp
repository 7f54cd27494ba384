#include "mount/ctl/run.hpp"

#include "mount/ctl/channel.hpp"
#include "mount/ctl/mounts.hpp"

namespace spotfs::ctl {
namespace {

std::string size_text(std::uint64_t bytes) {
  constexpr std::array kUnits{"bytes", "KiB", "MiB", "GiB", "TiB", "PiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; value >= 1024 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), unit == 0 ? "%.0f %s" : "%.1f %s", value, kUnits[unit]);
  return text.data();
}

void show_progress(const json::object& line, Progress& progress) {
  const auto number = [&](const char* name) {
    const json::value* const value = line.if_contains(name);
    return value != nullptr && value->is_number() ? value->to_number<std::uint64_t>() : 0;
  };
  const std::uint64_t files = number("files"), of_files = number("of_files");
  const std::uint64_t bytes = number("bytes"), of_bytes = number("of_bytes");
  // A file without content counts, too.
  progress.show(bytes + files, of_bytes + of_files,
                std::to_string(files) + " of " + std::to_string(of_files) + " files, " + size_text(bytes) + " of " +
                    size_text(of_bytes));
}

}  // namespace

int run_on_mount(const Invocation& line, const std::string& command, Describe describe, Output& output) {
  const auto place = find_place(line.place);
  if (!place) return output.fail(place.error());
  auto channel = Channel::open(place->directory);
  if (!channel) return output.fail(channel.error());
  if (const auto sent = channel->send(command); !sent) return output.fail(sent.error());
  Progress progress{line.progress};
  int code = kDone;
  const auto received = channel->receive([&](const json::object& said) {
    const json::value* const event = said.if_contains("event");
    if (event != nullptr && *event == "progress") {
      show_progress(said, progress);
      return true;
    }
    progress.hide();
    if (const json::value* const error = said.if_contains("error")) {
      const json::value* const text = said.if_contains("text");
      code = output.fail(error->is_string() ? std::string_view{error->get_string()} : "EIO",
                         text != nullptr && text->is_string() ? std::string{text->get_string()} : "it failed");
    } else if (said.contains("done")) {
      if (output.is_json()) output.line({}, said);
    } else if (const std::string text = describe(said); output.is_json() || !text.empty()) {
      output.line(text, said);
    }
    return true;
  });
  progress.hide();
  if (!received) return output.fail(received.error());
  return code;
}

int run(const Invocation& line, Output& output) {
  switch (line.what) {
    case What::flush:
    case What::fsck:
    case What::scrub:
    case What::writers:
    case What::retire:
    case What::conflicts: return run_disk_command(line, output);
    case What::blob_get:
    case What::blob_put:
    case What::blob_rm:
    case What::blob_ls: break;
  }
  return line.direct ? run_blob_directly(line, output) : run_blob_on_mount(line, output);
}

}  // namespace spotfs::ctl
