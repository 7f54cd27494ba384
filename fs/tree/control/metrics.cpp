#include "fs/tree/control/metrics.hpp"

#include <fmt/format.h>

#include "client/base/encoding.hpp"
#include "fs/tree/control/status.hpp"

namespace spotfs::tree {
namespace {

using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

// A backslash, a quote or a newline would end the value.
std::string escaped(std::string_view value) {
  std::string out;
  for (const char c : spot::printable(value)) {
    if (c == '\\' || c == '"') out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

class Text {
 public:
  void begin(std::string_view name, std::string_view type, std::string_view help) {
    name_ = name;
    fmt::format_to(std::back_inserter(out_), "# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
  }
  template <class Number>
  void sample(Number value, Labels labels = {}, std::string_view suffix = {}) {
    out_.append(name_).append(suffix);
    char open = '{';
    for (const auto& [label, text] : labels) {
      out_.append(1, std::exchange(open, ',')).append(label).append("=\"").append(escaped(text)).append("\"");
    }
    if (labels.size() != 0) out_.append("}");
    fmt::format_to(std::back_inserter(out_), " {}\n", value);
  }
  template <class Number>
  void one(std::string_view name, std::string_view type, std::string_view help, Number value) {
    begin(name, type, help);
    sample(value);
  }
  std::string take() { return std::move(out_); }

 private:
  std::string_view name_;
  std::string out_;
};

void add_operations(Text& out, const SessionFigures& session) {
  out.begin("spotfs_operation_seconds", "histogram", "Requests of the kernel, from request to answer.");
  for (const OperationFigures& operation : session.operations) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < operation.took.counts.size(); ++i) {
      sum += operation.took.counts[i];
      const std::string bound =
          i < spot::Histogram::kBounds.size() ? fmt::format("{:g}", spot::Histogram::kBounds[i]) : "+Inf";
      out.sample(sum, {{"operation", operation.name}, {"le", bound}}, "_bucket");
    }
    out.sample(operation.took.seconds, {{"operation", operation.name}}, "_sum");
    out.sample(sum, {{"operation", operation.name}}, "_count");
  }
  out.begin("spotfs_operation_failures_total", "counter", "Of those, the ones answered with an errno.");
  for (const OperationFigures& operation : session.operations)
    out.sample(operation.failures, {{"operation", operation.name}});
  out.one("spotfs_requests_waiting", "gauge", "Requests that wait for something.", session.waiting);
  out.one("spotfs_open_handles", "gauge", "Files and directories that are open.", session.open_handles);
  out.one("spotfs_known_nodes", "gauge", "Nodes that the kernel knows.", session.known_nodes);
}

void add_connections(Text& out, const spot::Client& client) {
  const std::vector<spot::ConnectionStatus> connections = client.connections();
  out.begin("spotfs_connection_online", "gauge", "1 while the connection to a relay is there.");
  for (const auto& one : connections) out.sample(one.online ? 1 : 0, {{"host", one.host}});
  out.begin("spotfs_connection_reconnects_total", "counter", "How often it had to be made again.");
  for (const auto& one : connections) out.sample(one.reconnects, {{"host", one.host}});
  out.begin("spotfs_connection_round_trip_seconds", "gauge", "Of the last ping.");
  for (const auto& one : connections) {
    if (one.round_trip) out.sample(static_cast<double>(one.round_trip->count()) / 1e9, {{"host", one.host}});
  }
  out.one("spotfs_queries_in_flight", "gauge", "Queries that wait for an answer.", client.queries_in_flight());
}

void add_cache(Text& out, const CacheFigures& cache) {
  out.one("spotfs_cache_bytes", "gauge", "Sealed copies on this machine.", cache.bytes);
  out.one("spotfs_cache_limit_bytes", "gauge", "What they may take.", cache.limit);
  out.one("spotfs_cache_hits_total", "counter", "Reads that the cache answered.", cache.hits);
  out.one("spotfs_cache_misses_total", "counter", "Reads that it could not answer.", cache.misses);
}

void add_disk(Text& out, const ControlledDisk& disk, spot::Clock::Wall now) {
  const IndexStatus index = disk.index->status();
  out.one("spotfs_log_operations", "gauge", "Changes that no snapshot includes.", index.operations);
  out.one("spotfs_uncommitted_operations", "gauge", "Changes that are in the journal alone.", index.uncommitted);
  out.one("spotfs_trash", "gauge", "Contents and blobs that wait to be deleted.", index.trash);
  if (disk.pending) {
    const PendingStatus pending = disk.pending->status();
    out.one("spotfs_pending_blobs", "gauge", "Blobs that wait for their upload.", pending.count);
    out.one("spotfs_pending_bytes", "gauge", "Bytes that wait for their upload.", pending.bytes);
  }
  out.begin("spotfs_writer_head_age_seconds", "gauge", "Since another writer last stored something.");
  for (const WriterStatus& writer : index.others) {
    if (writer.counter == 0) continue;
    out.sample(head_age(writer, now), {{"writer", spot::base64url(writer.id)}, {"host", writer.host}});
  }
  out.begin("spotfs_writer_rolled_back", "gauge", "1 where the relay shows an older state of a writer than before.");
  for (const WriterStatus& writer : index.others)
    out.sample(writer.rolled_back ? 1 : 0, {{"writer", spot::base64url(writer.id)}, {"host", writer.host}});
}

}  // namespace

std::string metrics_text(const ControlOptions& control) {
  Text out;
  out.begin("spotfs_info", "gauge", "Which program this is.");
  out.sample(1, {{"version", SPOTFS_VERSION}});
  if (control.session) add_operations(out, control.session());
  add_connections(out, *control.client);
  if (const auto cache = control.cache ? control.cache() : std::nullopt) add_cache(out, *cache);
  if (const auto disk = control.disk()) add_disk(out, *disk, control.clock->wall());
  out.one("spotfs_errors_total", "counter", "Lines of .spotfs/errors, with those that are gone.",
          control.book->error_count());
  return out.take();
}

}  // namespace spotfs::tree
