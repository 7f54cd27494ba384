// What the journal knows of snapshots: the newest, and what of the log they make needless.
#include <algorithm>

#include "client/crypto/hash.hpp"
#include "fs/index/journal.hpp"

namespace spotfs {

Answer<void> Journal::set_snapshot(const KnownSnapshot& known) {
  cbor::Writer value;
  value.put_array(2).put(static_cast<std::uint64_t>(known.since)).put_item(encode(known.snapshot));
  const std::lock_guard lock{mutex_};
  return set_meta("snapshot", value.bytes());
}

std::optional<Journal::KnownSnapshot> Journal::snapshot() const {
  const std::lock_guard lock{mutex_};
  const std::optional<Bytes> value = meta("snapshot");
  if (!value) return std::nullopt;
  cbor::Reader reader{*value};
  const Result<std::size_t> fields = reader.read_array();
  const Result<std::uint64_t> since = reader.read_unsigned();
  const Result<Snapshot> snapshot = decode_snapshot(reader.left());
  if (!fields || *fields != 2 || !since || !snapshot) return std::nullopt;
  return KnownSnapshot{*snapshot, static_cast<std::int64_t>(*since)};
}

// A list names the one before it, so all that come after one that changes change too.
Answer<bool> Journal::drop_log(const std::function<bool(const Stamp&)>& is_dropped) {
  const Answer<std::vector<LogListBlob>> lists = this->lists();
  if (!lists) return lists.error();
  std::vector<LogPiece> dropped;
  std::vector<LogListBlob> changed;
  const auto collect = [&](std::int64_t list) -> Answer<bool> {
    const Answer<std::vector<LogPiece>> pieces = this->pieces(list);
    if (!pieces) return pieces.error();
    const std::size_t before = dropped.size();
    std::ranges::copy_if(*pieces, std::back_inserter(dropped),
                         [&](const LogPiece& piece) { return piece.stored && is_dropped(piece.ref.last); });
    return dropped.size() != before;
  };
  for (const LogListBlob& list : *lists) {
    const Answer<bool> loses = collect(list.number);
    if (!loses) return loses.error();
    if (*loses || !changed.empty()) changed.push_back(list);
  }
  if (const Answer<bool> loses = collect(0); !loses) return loses.error();
  if (dropped.empty()) return false;

  const std::lock_guard lock{mutex_};
  const Answer<void> done = database_.transaction([&] {
    Answer<void> step;
    for (const LogPiece& piece : dropped) {
      if (step) step = database_.run("DELETE FROM operation WHERE piece = ?", piece.number);
      if (step) step = database_.run("DELETE FROM piece WHERE number = ?", piece.number);
      if (step) step = database_.run("INSERT OR REPLACE INTO trash VALUES (?, 0)", piece.ref.id);
    }
    for (const LogListBlob& list : changed) {
      if (step) step = database_.run("INSERT OR REPLACE INTO trash VALUES (?, 0)", list.id);
      if (step)
        step =
            database_.run("UPDATE list SET id = ?, stored = 0 WHERE number = ?", spot::random_array<16>(), list.number);
    }
    if (step) step = database_.run("DELETE FROM list WHERE number NOT IN (SELECT list FROM piece)");
    return step;
  });
  if (!done) return done.error();
  return true;
}

}  // namespace spotfs
