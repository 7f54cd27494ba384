// What the journal knows of trash: contents that were replaced, blobs that nothing may name, and contents that are
// another's to delete.
#include <algorithm>

#include "client/base/encoding.hpp"
#include "fs/index/journal.hpp"

namespace spotfs {
namespace {

Result<std::optional<Reference>> decoded(BytesView bytes) {
  cbor::Reader reader{bytes};
  return decode_reference(reader);
}

}  // namespace

Answer<void> Journal::set_committed(const Stamp& limit, std::int64_t now) {
  const std::lock_guard lock{mutex_};
  return database_.run("UPDATE replaced SET since = ? WHERE since = 0 AND stamp < ?", now, limit.bytes);
}

Answer<std::vector<Journal::Replaced>> Journal::replaced(std::int64_t until, Chunks chunks, std::int64_t after,
                                                         std::size_t max) const {
  const std::lock_guard lock{mutex_};
  std::vector<Replaced> out;
  const Answer<void> read = database_.each(
      [&](const Database::Statement& row) {
        Replaced& one = out.emplace_back();
        one.number = row.number(0);
        const auto old = decoded(row.bytes(2)), now = decoded(row.bytes(3));
        if (!copy_to(row.bytes(1), one.inode.bytes) || !old || !*old || !now) return false;
        one.old = **old;
        one.now = *now;
        one.is_shared = row.number(4) != 0;
        return true;
      },
      // With an index on `since` each part would be sorted out of all rows.
      "SELECT number, inode, old, now, shared FROM replaced WHERE +since > 0 AND +since <= ? AND shared <= ? "
      "AND number > ? ORDER BY number LIMIT ?",
      until, std::int64_t{chunks == Chunks::any}, after, static_cast<std::int64_t>(max));
  if (!read) return read.error();
  return out;
}

std::int64_t Journal::last_settled_replaced() const {
  const std::lock_guard lock{mutex_};
  return static_cast<std::int64_t>(
      first_number("SELECT coalesce(min(number) - 1, (SELECT max(number) FROM replaced), 0) "
                   "FROM replaced INDEXED BY replaced_uncommitted WHERE since = 0"));
}

Answer<void> Journal::forget_replaced(std::int64_t row) {
  const std::lock_guard lock{mutex_};
  return database_.run("DELETE FROM replaced WHERE number = ?", row);
}

Answer<void> Journal::add_trash(const std::vector<BlobId>& ids, std::int64_t since) {
  const std::lock_guard lock{mutex_};
  return database_.transaction([&] {
    Answer<void> step;
    for (const BlobId& id : ids) {
      if (step) step = database_.run("INSERT OR REPLACE INTO trash VALUES (?, ?)", id, since);
    }
    return step;
  });
}

Answer<std::vector<BlobId>> Journal::trash(std::int64_t until) const {
  const std::lock_guard lock{mutex_};
  std::vector<BlobId> out;
  const auto row = [&](const Database::Statement& query) { return copy_to(query.bytes(0), out.emplace_back()); };
  const Answer<void> read = database_.each(row, "SELECT id FROM trash WHERE since > 0 AND since <= ?", until);
  if (!read) return read.error();
  return out;
}

Answer<void> Journal::remove_trash(const std::vector<BlobId>& ids) {
  const std::lock_guard lock{mutex_};
  return database_.transaction([&] {
    Answer<void> step;
    for (const BlobId& id : ids) {
      if (step) step = database_.run("DELETE FROM trash WHERE id = ?", id);
    }
    return step;
  });
}

std::optional<std::int64_t> Journal::oldest_trash() const {
  const std::lock_guard lock{mutex_};
  const auto oldest = static_cast<std::int64_t>(
      first_number("SELECT coalesce(min(since), 0) FROM (SELECT min(since) AS since FROM trash WHERE since > 0 "
                   "UNION ALL SELECT min(since) FROM replaced WHERE since > 0)"));
  return oldest == 0 ? std::nullopt : std::optional{oldest};
}

std::uint64_t Journal::trash_count() const {
  const std::lock_guard lock{mutex_};
  return first_number("SELECT (SELECT count(*) FROM trash) + (SELECT count(*) FROM replaced)");
}

Answer<void> Journal::set_time(std::string_view name, std::int64_t seconds) {
  Bytes value;
  spot::append_be(value, static_cast<std::uint64_t>(seconds));
  const std::lock_guard lock{mutex_};
  return set_meta(name, value);
}

std::int64_t Journal::time(std::string_view name) const {
  const std::lock_guard lock{mutex_};
  const std::optional<Bytes> value = meta(name);
  BytesView bytes = value ? BytesView{*value} : BytesView{};
  return static_cast<std::int64_t>(spot::take_be<std::uint64_t>(bytes).value_or(0));
}

Answer<void> Journal::set_shared_until(const Stamp& last) {
  const std::lock_guard lock{mutex_};
  return set_meta("shared_until", last.bytes);
}

Stamp Journal::shared_until() const {
  const std::lock_guard lock{mutex_};
  Stamp out;
  if (const std::optional<Bytes> last = meta("shared_until")) copy_to(*last, out.bytes);
  return out;
}

Answer<void> Journal::set_swept(std::int64_t now) { return set_time("swept", now); }
std::int64_t Journal::swept() const { return time("swept"); }
Answer<void> Journal::set_heard(std::int64_t now) { return set_time("heard", now); }
std::int64_t Journal::heard() const { return time("heard"); }

Answer<void> Journal::set_scrub_mark(const ScrubMark& mark) {
  Bytes value;
  spot::append_be(value, static_cast<std::uint64_t>(mark.begun));
  spot::append_be(value, static_cast<std::uint64_t>(mark.ended));
  spot::append(value, spot::view(mark.at));
  const std::lock_guard lock{mutex_};
  return set_meta("scrub", value);
}

ScrubMark Journal::scrub_mark() const {
  const std::lock_guard lock{mutex_};
  const std::optional<Bytes> value = meta("scrub");
  BytesView bytes = value ? BytesView{*value} : BytesView{};
  ScrubMark mark;
  mark.begun = static_cast<std::int64_t>(spot::take_be<std::uint64_t>(bytes).value_or(0));
  mark.ended = static_cast<std::int64_t>(spot::take_be<std::uint64_t>(bytes).value_or(0));
  mark.at = spot::to_string(bytes);
  return mark;
}

}  // namespace spotfs
