#include "mount/ctl/status.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>

#include <boost/json/array.hpp>
#include <fcntl.h>
#include <unistd.h>

#include "client/base/descriptor.hpp"
#include "client/base/encoding.hpp"
#include "client/base/json.hpp"
#include "mount/ctl/fields.hpp"
#include "mount/ctl/mounts.hpp"
#include "mount/ctl/patience.hpp"
#include "mount/ctl/run.hpp"

namespace spotfs::ctl {
namespace {

using spot::Answer;
using spot::Failure;

constexpr std::size_t kMost = std::size_t{16} << 20;  // bytes

Answer<std::string> read_now(const std::string& mount, const std::string& name) {
  const auto failure = [&](int number) {
    const std::error_code code{number, std::generic_category()};
    const std::string shown = spot::printable(mount);
    if (number == ENOTCONN) return Failure{code, shown + ": its program has ended; umount it"};
    if (number == EACCES) return Failure{code, shown + ": it is another user's"};
    if (number == ENOENT) return Failure{code, shown + " has no .spotfs/" + name + ": is it the top of the mount?"};
    return Failure{code, shown + "/.spotfs/" + name + ": " + code.message()};
  };
  const spot::Descriptor file{::open((mount + "/.spotfs/" + name).c_str(), O_RDONLY | O_CLOEXEC)};
  if (!file) return failure(errno);
  std::string all;
  std::array<char, 65'536> part{};
  for (;;) {
    const ssize_t size = ::read(file.get(), part.data(), part.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return failure(errno);
    if (size == 0) return all;
    all.append(part.data(), static_cast<std::size_t>(size));
    if (all.size() > kMost) return failure(EFBIG);
  }
}

Answer<std::string> read_file(const std::string& mount, const std::string& name) {
  std::optional<Answer<std::string>> text = within(kPatience, [mount, name] { return read_now(mount, name); });
  return text ? *std::move(text) : does_not_answer(mount);
}

// --- For people ------------------------------------------------------------------------------------------------------

std::string connection_text(const json::object& one) {
  const bool online = flag_of(one, "online");
  std::string out = "relay     " + text_of(one, "host") + (online ? " online" : " offline") + " since " +
                    moment_text(number_of(one, "since"));
  if (one.contains("round_trip_ms")) out += ", answers in " + milliseconds_text(real_of(one, "round_trip_ms"));
  if (const auto count = number_of(one, "reconnects"); count != 0)
    out += ", " + count_text(count, "reconnect", "reconnects");
  if (const std::string error = text_of(one, "last_error"); !online && !error.empty()) out += ": " + error;
  return out + "\n";
}

std::string disk_text(const json::object& disk) {
  std::string out = "disk      " + text_of(disk, "store") + ", writer " + text_of(disk, "writer") + "\n";
  out += "digest    " + text_of(disk, "digest") + "\n";
  const std::uint64_t uncommitted = number_of(disk, "uncommitted");
  out += "          " +
         (uncommitted == 0 ? "all is stored" : count_text(uncommitted, "change", "changes") + " not stored yet") +
         ", journal " + size_text(number_of(disk, "journal")) + ", " + std::to_string(number_of(disk, "trash")) +
         " in the trash\n";
  if (const std::string error = text_of(disk, "last_error"); !error.empty())
    out += "          last error: " + error + "\n";
  for (const json::value& value : array_of(disk, "writers")) {
    if (!value.is_object()) continue;
    const json::object& writer = value.get_object();
    out += "writer    " + text_of(writer, "id") + " on " + text_of(writer, "host");
    if (writer.contains("age")) out += ", stored something " + std::to_string(number_of(writer, "age")) + " s ago";
    if (flag_of(writer, "rolled_back")) out += ", the relay shows an older state of it than before";
    if (flag_of(writer, "log_lost")) out += ", the relay has lost a part of its log: not all that it did is shown";
    out += "\n";
  }
  return out;
}

std::string cache_text(const json::object& cache) {
  const std::uint64_t hits = number_of(cache, "hits"), reads = hits + number_of(cache, "misses");
  std::string out = "cache     " + size_text(number_of(cache, "bytes")) + " of " + size_text(number_of(cache, "limit"));
  if (reads != 0) out += ", had " + std::to_string(hits * 100 / reads) + " % of what was read";
  return out + "\n";
}

}  // namespace

Answer<json::object> read_status(const std::string& mount) {
  const Answer<std::string> text = read_file(mount, "status");
  if (!text) return text.error();
  const auto value = spot::parse_json(*text);
  if (!value || !value->is_object())
    return Failure{spot::Errc::malformed, spot::printable(mount) + "/.spotfs/status is no JSON"};
  return value->get_object();
}

std::uint64_t left_of(const json::object& status) {
  return number_of(object_of(status, "disk"), "uncommitted") + number_of(object_of(status, "pending"), "count");
}

Answer<Operations> read_operations(const std::string& mount) {
  const Answer<std::string> text = read_file(mount, "metrics");
  if (!text) return text.error();
  return parse_operations(*text);
}

std::string status_text(const json::object& status) {
  const json::object& options = object_of(status, "options");
  std::string out = "identity  " + text_of(status, "identity") + "\n";
  out += "source    " + text_of(status, "source") + " at " + text_of(status, "directory") + ", process " +
         std::to_string(number_of(status, "pid")) + ", version " + text_of(status, "version") + "\n";
  out += "keys      " + text_of(options, "identity") + "\nstate     " + text_of(options, "state") + "\n";
  for (const json::value& one : array_of(status, "connections")) {
    if (one.is_object()) out += connection_text(one.get_object());
  }
  out += "waiting   " + count_text(number_of(status, "queries"), "query", "queries") + ", " +
         count_text(number_of(status, "requests"), "request", "requests") + "\n";
  const json::object& disk = object_of(status, "disk");
  out += disk.empty() ? "disk      not there yet\n" : disk_text(disk);
  if (const json::object& pending = object_of(status, "pending"); number_of(pending, "count") != 0) {
    out += "uploads   " + count_text(number_of(pending, "count"), "blob", "blobs") + " wait, " +
           size_text(number_of(pending, "bytes")) + "\n";
  }
  if (const json::object& cache = object_of(status, "cache"); !cache.empty()) out += cache_text(cache);
  out += "errors    " + std::to_string(number_of(status, "errors"));
  if (const json::object& last = object_of(status, "last_error"); !last.empty())
    out += ", the last at " + moment_text(number_of(last, "time")) + ": " + text_of(last, "text");
  return out;
}

Operations parse_operations(std::string_view metrics) {
  constexpr std::string_view kTook = "spotfs_operation_seconds_", kFailures = "spotfs_operation_failures_total{";
  constexpr std::string_view kOperation = "{operation=\"";
  Operations out;
  std::map<std::string, std::size_t> buckets;  // how many were read
  while (!metrics.empty()) {
    const std::size_t end = std::min(metrics.find('\n'), metrics.size());
    const std::string_view line = metrics.substr(0, end);
    metrics.remove_prefix(std::min(end + 1, metrics.size()));
    const std::size_t label = line.find(kOperation), space = line.rfind(' ');
    if (label == line.npos || space == line.npos) continue;
    const std::string_view rest = line.substr(label + kOperation.size());
    const std::string name{rest.substr(0, rest.find('"'))};
    const std::string value{line.substr(space + 1)};
    if (line.starts_with(kFailures)) {
      out[name].failures = std::strtoull(value.c_str(), nullptr, 10);
    } else if (line.starts_with(kTook) && line.substr(kTook.size()).starts_with("sum")) {
      out[name].took.seconds = std::strtod(value.c_str(), nullptr);
    } else if (line.starts_with(kTook) && line.substr(kTook.size()).starts_with("bucket")) {
      auto& counts = out[name].took.counts;
      const std::size_t at = buckets[name]++;
      if (at < counts.size()) counts[at] = std::strtoull(value.c_str(), nullptr, 10);
    }
  }
  // There each bucket has those below it, too.
  for (auto& [name, one] : out) {
    for (std::size_t i = one.took.counts.size() - 1; i > 0; --i)
      one.took.counts[i] -= std::min(one.took.counts[i], one.took.counts[i - 1]);
  }
  return out;
}

int run_status(const Invocation& line, Output& output) {
  const auto place = find_place(line.place);
  if (!place) return output.fail(place.error());
  const auto status = read_status(place->directory);
  if (!status) return output.fail(status.error());
  output.line(status_text(*status), *status);
  return kDone;
}

}  // namespace spotfs::ctl
