#include "fs/tree/control/status.hpp"

#include <array>
#include <cstdio>

#include <boost/json/array.hpp>
#include <mntent.h>
#include <unistd.h>

#include "client/base/encoding.hpp"

namespace spotfs::tree {
namespace {

std::int64_t seconds_of(spot::Clock::Wall time) {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

json::object connection_json(const spot::ConnectionStatus& connection) {
  json::object out;
  put_text(out, "host", connection.host);
  out["online"] = connection.online;
  out["since"] = seconds_of(connection.since);
  if (connection.round_trip) out["round_trip_ms"] = static_cast<double>(connection.round_trip->count()) / 1e6;
  out["reconnects"] = connection.reconnects;
  out["last_error"] = printable_once(connection.last_error);
  return out;
}

// A remount changes it, of which the kernel tells nobody.
bool is_read_only(const Choices& choices) {
  bool read_only = choices.read_only;
  std::FILE* const table = ::setmntent("/proc/self/mounts", "re");
  if (table == nullptr) return read_only;
  mntent entry{};
  std::array<char, 16'384> text{};
  while (::getmntent_r(table, &entry, text.data(), static_cast<int>(text.size())) != nullptr) {
    if (choices.directory == entry.mnt_dir) read_only = ::hasmntopt(&entry, MNTOPT_RO) != nullptr;
  }
  ::endmntent(table);
  return read_only;
}

json::object choices_json(const Choices& choices) {
  const auto seconds = [](std::chrono::milliseconds time) { return static_cast<double>(time.count()) / 1e3; };
  json::object out;
  put_text(out, "identity", choices.identity);
  put_text(out, "state", choices.state);
  out["cache"] = nullptr;
  if (!choices.cache.empty()) put_text(out, "cache", choices.cache);
  out["timeout"] = seconds(choices.timeout);
  out["query_timeout"] = seconds(choices.query_timeout);
  out["commit"] = seconds(choices.commit);
  out["refresh"] = seconds(choices.refresh);
  out["drain"] = seconds(choices.drain);
  out["writeback"] = choices.writeback;
  out["read_only"] = is_read_only(choices);
  out["bind"] = choices.require_binding ? "require" : "any";
  return out;
}

json::value last_error_json(const LogBook& book) {
  const std::optional<LogBook::Line> last = book.last_error();
  if (!last) return nullptr;
  return json::object{{"time", seconds_of(last->time)}, {"text", last->text}};
}

json::object cache_json(const CacheFigures& cache) {
  return {{"bytes", cache.bytes}, {"limit", cache.limit}, {"hits", cache.hits}, {"misses", cache.misses}};
}

json::object scrub_json(const ScrubProgress& progress, bool has_errors) {
  const ScrubStatus scrub = progress.with([](const ScrubStatus& status) { return status; });
  json::object out;
  out["period"] = std::chrono::duration_cast<std::chrono::seconds>(scrub.period).count();
  out["begun"] = scrub.begun;
  out["ended"] = scrub.ended;
  out["files"] = scrub.files;
  out["of_files"] = scrub.of_files;
  out["faults"] = scrub.faults;
  out["last_faults"] = scrub.last_faults;
  out["restored"] = scrub.restored;
  out["last_error"] = has_errors ? scrub.last_error : "";
  return out;
}

}  // namespace

std::int64_t head_age(const WriterStatus& writer, spot::Clock::Wall now) {
  const auto stored = static_cast<std::int64_t>(writer.head.milliseconds() / 1000);
  return std::max<std::int64_t>(seconds_of(now) - stored, 0);
}

json::object writer_json(const WriterStatus& writer, spot::Clock::Wall now) {
  json::object out;
  out["id"] = spot::base64url(writer.id);
  put_text(out, "host", writer.host);
  out["counter"] = writer.counter;
  if (writer.counter != 0) {
    out["head"] = static_cast<std::int64_t>(writer.head.milliseconds() / 1000);
    out["age"] = head_age(writer, now);
  }
  out["rolled_back"] = writer.rolled_back;
  out["log_lost"] = writer.log_lost;
  return out;
}

std::string status_text(const ControlOptions& control, StatusFor reader) {
  const bool has_errors = reader == StatusFor::owner;
  json::object out;
  out["version"] = SPOTFS_VERSION;
  out["identity"] = control.client->target_id();
  put_text(out, "source", control.source);
  put_text(out, "directory", control.choices.directory);
  out["pid"] = ::getpid();
  out["options"] = choices_json(control.choices);
  json::array connections;
  for (const spot::ConnectionStatus& one : control.client->connections()) connections.push_back(connection_json(one));
  out["connections"] = std::move(connections);
  out["queries"] = control.client->queries_in_flight();
  out["requests"] = nullptr;
  if (control.session) out["requests"] = control.session().waiting;
  out["log"] = name_of(control.book->level());
  out["errors"] = control.book->error_count();
  out["last_error"] = has_errors ? last_error_json(*control.book) : nullptr;
  const std::optional<CacheFigures> cache = control.cache ? control.cache() : std::nullopt;
  out["cache"] = nullptr;
  if (cache) out["cache"] = cache_json(*cache);
  const std::shared_ptr<const ControlledDisk> disk = control.disk();
  if (!disk) {
    out["disk"] = nullptr;
    return to_line(out);
  }
  const IndexStatus index = disk->index->status();
  json::object of_disk;
  of_disk["store"] = spot::base64url(index.store);
  of_disk["writer"] = spot::base64url(index.writer);
  of_disk["counter"] = index.counter;
  of_disk["digest"] = to_text(digest_of(index));
  of_disk["registered"] = index.registered;
  of_disk["operations"] = index.operations;
  of_disk["uncommitted"] = index.uncommitted;
  of_disk["journal"] = nullptr;
  if (const auto bytes = control.journal_bytes ? control.journal_bytes() : std::nullopt) of_disk["journal"] = *bytes;
  of_disk["trash"] = index.trash;
  of_disk["last_error"] = has_errors ? index.last_error : "";
  json::array writers;
  for (const WriterStatus& writer : index.others) writers.push_back(writer_json(writer, control.clock->wall()));
  of_disk["writers"] = std::move(writers);
  out["disk"] = std::move(of_disk);
  out["scrub"] = nullptr;
  if (disk->scrub) out["scrub"] = scrub_json(*disk->scrub, has_errors);
  if (disk->pending) {
    const PendingStatus pending = disk->pending->status();
    out["pending"] = json::object{{"count", pending.count}, {"bytes", pending.bytes}};
  }
  return to_line(out);
}

std::string pending_text(const ControlOptions& control) {
  const std::shared_ptr<const ControlledDisk> disk = control.disk();
  if (!disk || !disk->pending) return {};
  const PendingStatus pending = disk->pending->list();
  if (pending.count == 0) return {};
  const std::int64_t now = seconds_of(control.clock->wall());
  const auto age = [now](std::int64_t since) { return std::max<std::int64_t>(now - since, 0); };
  json::object all{{"count", pending.count}, {"bytes", pending.bytes}};
  all["age"] = age(pending.since.value_or(now));
  all["last_error"] = pending.last_error;
  if (pending.next_try) all["next_try_in"] = std::max<std::int64_t>(*pending.next_try - now, 0);
  std::string out = to_line(all);
  for (const PendingStatus::Value& value : pending.values) {
    json::object one;
    put_text(one, "key", value.key);
    if (value.erases)
      one["erased"] = true;
    else
      one["bytes"] = value.size;
    one["age"] = age(value.since);
    if (!value.error.empty()) one["error"] = value.error;
    out += to_line(one);
  }
  return out;
}

}  // namespace spotfs::tree
