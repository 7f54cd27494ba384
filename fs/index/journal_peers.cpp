// What the journal remembers of others: writers, their heads, and the versions of their values.
#include <algorithm>

#include "client/base/encoding.hpp"
#include "fs/index/journal.hpp"

namespace spotfs {

namespace {

using Statement = Database::Statement;

}  // namespace

Answer<void> Journal::see(const WriterId& writer, BytesView sealed_head) {
  const std::lock_guard lock{mutex_};
  return database_.run("INSERT OR REPLACE INTO head VALUES (?, ?)", writer, sealed_head);
}

Answer<std::map<WriterId, Bytes>> Journal::seen() const {
  const std::lock_guard lock{mutex_};
  std::map<WriterId, Bytes> out;
  const auto row = [&](const Statement& query) {
    WriterId writer;
    const bool reads = copy_to(query.bytes(0), writer);
    out.emplace(writer, spot::to_bytes(query.bytes(1)));
    return reads;
  };
  if (Answer<void> read = database_.each(row, "SELECT writer, sealed FROM head"); !read) return read.error();
  return out;
}

Answer<void> Journal::see_value(std::string_view key, const Stamp& version) {
  const std::lock_guard lock{mutex_};
  return database_.run(
      "INSERT INTO value VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET version = max(version, excluded.version)",
      spot::view(key), version.bytes);
}

Answer<std::optional<Stamp>> Journal::seen_value(std::string_view key) const {
  const std::lock_guard lock{mutex_};
  std::optional<Stamp> out;
  const auto row = [&](const Statement& query) { return copy_to(query.bytes(0), out.emplace().bytes); };
  if (Answer<void> read = database_.each(row, "SELECT version FROM value WHERE key = ?", spot::view(key)); !read)
    return read.error();
  return out;
}

Answer<void> Journal::set_known_writers(BytesView encoded) {
  const std::lock_guard lock{mutex_};
  return set_meta("writers", encoded);
}

std::optional<Bytes> Journal::known_writers() const {
  const std::lock_guard lock{mutex_};
  return meta("writers");
}

Answer<void> Journal::set_seen_all() {
  const std::lock_guard lock{mutex_};
  return meta("seen") ? Answer<void>{} : set_meta("seen", spot::view("all"));
}

bool Journal::has_seen_all() const {
  const std::lock_guard lock{mutex_};
  return meta("seen").has_value();
}

Answer<void> Journal::set_registered() {
  const std::lock_guard lock{mutex_};
  return set_meta("registered", writer_);
}

bool Journal::is_registered() const {
  const std::lock_guard lock{mutex_};
  return meta("registered") == spot::to_bytes(writer_);
}

Answer<void> Journal::forget_head(const WriterId& writer) {
  const std::lock_guard lock{mutex_};
  return database_.run("DELETE FROM head WHERE writer = ?", writer);
}

Answer<void> Journal::set_given_up(const std::map<WriterId, std::uint64_t>& counters) {
  Bytes all;
  for (const auto& [writer, counter] : counters) {
    spot::append(all, writer);
    spot::append_be(all, counter);
  }
  const std::lock_guard lock{mutex_};
  return set_meta("given up", all);
}

std::map<WriterId, std::uint64_t> Journal::given_up() const {
  const std::lock_guard lock{mutex_};
  const Bytes all = meta("given up").value_or(Bytes{});
  std::map<WriterId, std::uint64_t> out;
  BytesView rest{all};
  while (rest.size() >= std::tuple_size_v<WriterId>) {
    WriterId writer;
    std::ranges::copy(rest.first(writer.size()), writer.begin());
    rest = rest.subspan(writer.size());
    const std::optional<std::uint64_t> counter = spot::take_be<std::uint64_t>(rest);
    if (!counter) break;
    out.emplace(writer, *counter);
  }
  return out;
}

}  // namespace spotfs
