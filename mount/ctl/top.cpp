// top: what the kernel asks the mount for, and how long that takes, again and again.
#include <algorithm>
#include <array>
#include <chrono>
#include <thread>

#include <boost/json/array.hpp>
#include <unistd.h>

#include "client/base/encoding.hpp"
#include "mount/ctl/fields.hpp"
#include "mount/ctl/mounts.hpp"
#include "mount/ctl/run.hpp"
#include "mount/ctl/status.hpp"

namespace spotfs::ctl {
namespace {

using Steady = std::chrono::steady_clock;

struct Row {
  std::string name;
  double calls = 0, failures = 0;  // a second
  double mean = 0, most = 0;       // seconds; `most`: 99 of 100 are below it
};

// The bound below which 99 of 100 are; what is beyond the last bound counts as that.
double most_of(const spot::Histogram::Figures& took) {
  const std::uint64_t all = took.count();
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < spot::Histogram::kBounds.size(); ++i) {
    sum += took.counts[i];
    if (sum * 100 >= all * 99) return spot::Histogram::kBounds[i];
  }
  return spot::Histogram::kBounds.back();
}

// What was asked for between two looks, most time first.
std::vector<Row> rows_of(const Operations& before, const Operations& now, double seconds) {
  std::vector<Row> rows;
  for (const auto& [name, figures] : now) {
    OperationFigures change = figures;
    if (const auto known = before.find(name); known != before.end()) {
      for (std::size_t i = 0; i < change.took.counts.size(); ++i)
        change.took.counts[i] -= std::min(change.took.counts[i], known->second.took.counts[i]);
      change.took.seconds -= known->second.took.seconds;
      change.failures -= std::min(change.failures, known->second.failures);
    }
    const auto count = static_cast<double>(change.took.count());
    if (count == 0) continue;
    rows.push_back({name, count / seconds, static_cast<double>(change.failures) / seconds,
                    std::max(change.took.seconds, 0.0) / count, most_of(change.took)});
  }
  std::ranges::sort(rows, [](const Row& a, const Row& b) { return a.calls * a.mean > b.calls * b.mean; });
  return rows;
}

std::string text_of_rows(const std::vector<Row>& rows) {
  std::string out = "operation             a second    failed      mean    99 % in\n";
  for (const Row& row : rows) {
    std::array<char, 128> text{};
    std::snprintf(text.data(), text.size(), "%-18s %11.1f %9.1f %6.2f ms %7g ms\n", spot::printable(row.name).c_str(),
                  row.calls, row.failures, row.mean * 1e3, row.most * 1e3);
    out += text.data();
  }
  return out;
}

json::object json_of(const json::object& status, const std::vector<Row>& rows) {
  json::object operations;
  for (const Row& row : rows) {
    operations[row.name] = json::object{{"per_second", row.calls},
                                        {"failures_per_second", row.failures},
                                        {"mean_ms", row.mean * 1e3},
                                        {"p99_ms", row.most * 1e3}};
  }
  json::object out{{"event", "top"}};
  for (const char* const name : {"queries", "requests", "errors"}) out[name] = number_of(status, name);
  out["uncommitted"] = number_of(object_of(status, "disk"), "uncommitted");
  out["operations"] = std::move(operations);
  return out;
}

}  // namespace

int run_top(const Invocation& line, Output& output) {
  const auto place = find_place(line.place);
  if (!place) return output.fail(place.error());
  const bool clears = !output.is_json() && ::isatty(STDOUT_FILENO) == 1;
  auto before = read_operations(place->directory);
  if (!before) return output.fail(before.error());
  Steady::time_point then = Steady::now();
  for (unsigned shown = 0; line.count == 0 || shown < line.count; ++shown) {
    std::this_thread::sleep_for(std::chrono::duration<double>{line.interval});
    auto now = read_operations(place->directory);
    if (!now) return output.fail(now.error());
    const auto status = read_status(place->directory);
    if (!status) return output.fail(status.error());
    const Steady::time_point here = Steady::now();
    const auto rows = rows_of(*before, *now, std::chrono::duration<double>{here - then}.count());
    output.line((clears ? "\x1b[H\x1b[J" : "") + status_text(*status) + "\n\n" + text_of_rows(rows),
                json_of(*status, rows));
    if (!output.flush()) return kFailed;
    before = std::move(now);
    then = here;
  }
  return kDone;
}

}  // namespace spotfs::ctl
