#include "mount/ctl/doctor.hpp"

#include <algorithm>
#include <cstdlib>

#include "client/base/encoding.hpp"
#include "mount/ctl/run.hpp"

namespace spotfs::ctl {
namespace {

using Kind = mount::Source::Kind;

const char* word_of(Grade grade) noexcept {
  switch (grade) {
    case Grade::ok: return "ok";
    case Grade::warning: return "warn";
    case Grade::failure: return "FAIL";
  }
  return "FAIL";
}

const char* colour_of(Grade grade) noexcept {
  switch (grade) {
    case Grade::ok: return "\x1b[32m";
    case Grade::warning: return "\x1b[33m";
    case Grade::failure: return "\x1b[31m";
  }
  return "";
}

// On a terminal, unless NO_COLOR (no-color.org) says otherwise.
bool has_colours() {
  const char* const none = std::getenv("NO_COLOR");
  const char* const terminal = std::getenv("TERM");
  const bool is_plain = terminal == nullptr || std::string_view{terminal} == "dumb";
  return (none == nullptr || *none == '\0') && !is_plain && ::isatty(STDOUT_FILENO) == 1;
}

// Says each finding as soon as it is there.
class Report {
 public:
  explicit Report(Output& output) : output_{output}, colours_{has_colours()} {}

  void add(const Finding& finding) {
    std::string text = text_of(finding);
    if (colours_) {
      text.insert(std::string_view{word_of(finding.grade)}.size(), "\x1b[0m");
      text.insert(0, colour_of(finding.grade));
    }
    json::object line{{"event", "check"}};
    line["name"] = finding.check;
    line["result"] = finding.grade == Grade::failure ? "fail" : word_of(finding.grade);
    line["text"] = finding.text;
    if (!finding.todo.empty()) line["todo"] = finding.todo;
    output_.line(text, line);
    output_.flush();
    findings_.push_back(finding);
  }
  void add(const std::vector<Finding>& findings) {
    for (const Finding& finding : findings) add(finding);
  }
  std::uint64_t count(Grade grade) const {
    return static_cast<std::uint64_t>(std::ranges::count(findings_, grade, &Finding::grade));
  }
  int end() const {
    if (output_.is_json()) {
      json::object line{{"done", true}};
      line["warned"] = count(Grade::warning);
      line["failed"] = count(Grade::failure);
      output_.line({}, line);
    }
    return exit_code_of(findings_);
  }

 private:
  Output& output_;
  const bool colours_;
  std::vector<Finding> findings_;
};

std::ptrdiff_t count_ok(const std::vector<Finding>& findings) {
  return std::ranges::count(findings, Grade::ok, &Finding::grade);
}

// Of the source, and of the clock, which a relay knows best.
void check_source(const mount::Options& options, const Machine& machine, bool has_keys, Report& report) {
  std::vector<Finding> clock{check_clock(machine)};
  if (options.source.kind == Kind::embedded) {
    report.add(check_store(options.source.directory, machine));
  } else if (!options.source.text.empty()) {
    mount::Loop loop{1};
    std::vector<Finding> hosts;
    check_hosts(options, loop, [&](const Finding& finding) {
      report.add(finding);
      hosts.push_back(finding);
    });
    loop.end(std::chrono::seconds{1});
    // Who names relays is none.
    const bool is_reached = count_ok(hosts) > (options.source.kind == Kind::discovery ? 1 : 0);
    if (is_reached && has_keys && clock.front().grade == Grade::ok) clock = check_relay(options);
  }
  report.add(clock);
}

}  // namespace

Finding Finding::ok(std::string check, std::string text) {
  return {Grade::ok, std::move(check), std::move(text), {}, false};
}
Finding Finding::warning(std::string check, std::string text, std::string todo) {
  return {Grade::warning, std::move(check), std::move(text), std::move(todo), false};
}
Finding Finding::failure(std::string check, std::string text, std::string todo) {
  return {Grade::failure, std::move(check), std::move(text), std::move(todo), false};
}

std::string text_of(const Finding& finding) {
  const std::string start = std::string{word_of(finding.grade)} + " " + finding.check + ": " + finding.text;
  return finding.todo.empty() ? start : start + "; " + finding.todo;
}

int exit_code_of(const std::vector<Finding>& findings) noexcept {
  const auto has = [&](bool offline) {
    return std::ranges::any_of(findings, [offline](const Finding& finding) {
      return finding.grade == Grade::failure && finding.is_offline == offline;
    });
  };
  if (has(false)) return kFailed;
  return has(true) ? kOffline : kDone;
}

int run_doctor(const Invocation& line, Output& output) {
  const mount::Options& options = *line.direct;
  const Machine machine;
  Report report{output};
  for (const auto check : {check_fuse, check_fusermount, check_fuse_conf, check_helpers, check_updatedb})
    report.add(check(machine));
  report.add(check_mounts(machine));
  const std::vector<Finding> keys = check_keys(options.identity, machine);
  report.add(keys);
  report.add(check_state(options.state, machine));
  check_source(options, machine, count_ok(keys) != 0, report);
  return report.end();
}

}  // namespace spotfs::ctl
