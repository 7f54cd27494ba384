// What the records of a store say: its id, its writers, the head of each, and the lists of a log that no head holds.
//
// Thread: values. Errors: malformed for all but the one encoding that encode() makes.
// Source: files.md, the table of keys and "Head".
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "fs/index/keys.hpp"
#include "fs/index/stamp.hpp"

namespace spotfs {

inline constexpr std::size_t kMaxHost = 255;        // bytes of a host name
inline constexpr std::size_t kMaxHead = 16 * 1024;  // bytes of a head as it is written
inline constexpr std::size_t kMaxLogList = 45'056;  // bytes of a list of pieces
// Longer chains of lists hold more pieces than a disk can have: someone makes a reader walk for ever.
inline constexpr std::size_t kMaxLists = 10'000;
inline constexpr std::uint64_t kMaxCounter = std::uint64_t{1} << 62;

struct StoreRecord {
  BlobId id{};
  bool conflicts_last = false;
  bool operator==(const StoreRecord&) const = default;
};

struct Registration {
  std::string host;
  Stamp stamp;           // of the registration, or of the retirement
  bool retired = false;  // without a host
  bool operator==(const Registration&) const = default;
};
using Writers = std::map<WriterId, Registration>;

// Adds what is missing, and what says more: a mark of retirement, a later registration. True if `into` changed.
bool merge(Writers& into, const Writers& other);

struct PieceRef {
  BlobId id{};
  Stamp last;  // of the operations in it
  bool operator==(const PieceRef&) const = default;
};

// A log, or its newest part.
struct LogList {
  std::optional<BlobId> older;  // a blob of kind log with a LogList of the pieces before these
  std::vector<PieceRef> pieces;
  bool operator==(const LogList&) const = default;
};

struct SnapshotBase {
  std::uint64_t generation = 0;
  Stamp stamp;
  BlobId root{};
  std::uint64_t height = 0;
  bool operator==(const SnapshotBase&) const = default;
};

struct Snapshot {
  SnapshotBase tree;
  std::optional<SnapshotBase> base;  // what it was made from
  bool operator==(const Snapshot&) const = default;
};

struct Head {
  std::uint64_t counter = 0;  // one more at each store
  RunId run{};
  LogList log;
  std::optional<Snapshot> snapshot;        // the newest that its writer knows
  std::map<WriterId, std::uint64_t> seen;  // counters of the others' heads
  std::string host;
  Stamp stamp;  // of this store
  bool operator==(const Head&) const = default;
};

Bytes encode(const StoreRecord& record);
Bytes encode(const Writers& writers);
Bytes encode(const LogList& list);
Bytes encode(const Snapshot& snapshot);
Bytes encode(const Head& head);
Result<StoreRecord> decode_store_record(BytesView encoded);
Result<Writers> decode_writers(BytesView encoded);
Result<LogList> decode_log_list(BytesView encoded);
Result<Snapshot> decode_snapshot(BytesView encoded);
Result<Head> decode_head(BytesView encoded);

}  // namespace spotfs
