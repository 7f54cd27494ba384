#include "mount/ctl/fstab.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "mount/ctl/run.hpp"
#include "mount/option_text.hpp"

namespace spotfs::ctl {
namespace {

constexpr const char* kType = "spotfs";

std::string field(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view{" \t\n\\"}.find(c) == std::string_view::npos) {
      out.push_back(c);
      continue;
    }
    std::array<char, 8> code{};
    std::snprintf(code.data(), code.size(), "\\%03o", static_cast<unsigned>(c));
    out += code.data();
  }
  return out;
}

}  // namespace

std::string FstabLine::text() const {
  return field(source) + " " + field(directory) + " " + type + " " + field(options) + " 0 0";
}

FstabLine fstab_line(const mount::Options& mount, std::string_view given) {
  std::vector<std::string> names;
  if (const auto words = mount::split_options(given)) {
    for (const mount::OptionWord& word : *words) names.push_back(word.name);
  }
  const auto is_given = [&](std::string_view name) { return std::ranges::find(names, name) != names.end(); };
  const bool is_far = mount.source.kind != mount::Source::Kind::embedded;

  std::vector<std::string> wanted;
  if (is_far) wanted.emplace_back("_netdev");
  if (!is_given("noauto")) {
    // The machine boots without it; it is mounted on first use, though there be no connection yet.
    wanted.emplace_back("nofail");
    wanted.emplace_back("x-systemd.automount");
    if (is_far && !mount.only_files) wanted.emplace_back("delay_connect");
  }
  wanted.emplace_back("uhelper=spotfs");

  FstabLine line{mount.source.text, mount.directory, kType, {}};
  for (const std::string& word : wanted) {
    if (!is_given(word.substr(0, word.find('=')))) line.options.append(line.options.empty() ? "" : ",").append(word);
  }
  if (!given.empty()) line.options.append(line.options.empty() ? "" : ",").append(given);
  return line;
}

int run_fstab(const Invocation& line, Output& output) {
  const FstabLine made = fstab_line(*line.direct, line.options);
  json::object object{{"event", "fstab"}};
  object["line"] = made.text();
  object["source"] = made.source;
  object["directory"] = made.directory;
  object["type"] = made.type;
  object["options"] = made.options;
  output.line(made.text(), object);
  if (output.is_json()) output.line({}, {{"done", true}});
  return kDone;
}

}  // namespace spotfs::ctl
