#include "fs/index/head.hpp"

#include <algorithm>

#include "fs/index/record.hpp"

namespace spotfs {

using spot::fail;

namespace {

void encode_into(cbor::Writer& to, const LogList& list) {
  to.put_array(2);
  list.older ? to.put_bytes(*list.older) : to.put_null();
  to.put_array(list.pieces.size());
  for (const PieceRef& piece : list.pieces) encode(to.put_array(2).put_bytes(piece.id), piece.last);
}

void put_fields(cbor::Writer& to, const SnapshotBase& tree) {
  encode(to.put(tree.generation), tree.stamp);
  to.put_bytes(tree.root).put(tree.height);
}

void encode_into(cbor::Writer& to, const std::optional<Snapshot>& snapshot) {
  if (!snapshot) {
    to.put_null();
    return;
  }
  put_fields(to.put_array(5), snapshot->tree);
  if (snapshot->base)
    put_fields(to.put_array(4), *snapshot->base);
  else
    to.put_null();
}

// Reads one thing after the other; after the first that is wrong all are void, and done() is false.
class Fields {
 public:
  explicit Fields(BytesView bytes) : from_{bytes} {}
  bool done() const noexcept { return ok_ && from_.at_end(); }
  bool ok() const noexcept { return ok_; }
  void require(bool condition) noexcept { ok_ = ok_ && condition; }

  std::size_t array() { return take(from_.read_array()); }
  std::size_t map() { return take(from_.read_map()); }
  bool null() { return ok_ && from_.take_null(); }
  bool is_bytes() {
    const Result<cbor::Type> type = from_.peek();
    return ok_ && type && *type == cbor::Type::bytes;
  }
  std::uint64_t number(std::uint64_t limit) {
    const std::uint64_t value = take(from_.read_unsigned());
    require(value <= limit);
    return value;
  }
  void key(std::uint64_t expected) { require(number(expected) == expected); }
  Stamp stamp() { return take(decode_stamp(from_)); }
  ByteArray<16> id() {
    ByteArray<16> out{};
    const BytesView bytes = take(from_.read_bytes());
    require(bytes.size() == out.size());
    if (ok_) std::ranges::copy(bytes, out.begin());
    return out;
  }
  std::string host() {
    const std::string_view text = take(from_.read_text());
    require(text.size() <= kMaxHost);
    return ok_ ? std::string{text} : std::string{};
  }
  LogList log_list() {
    LogList out;
    require(array() == 2);
    if (!null()) out.older = id();
    const std::size_t count = array();
    for (std::size_t i = 0; ok_ && i < count; ++i) {
      require(array() == 2);
      PieceRef piece;
      piece.id = id();
      piece.last = stamp();
      out.pieces.push_back(piece);
    }
    return out;
  }
  SnapshotBase tree() {
    SnapshotBase out;
    out.generation = number(kMaxCounter);
    out.stamp = stamp();
    out.root = id();
    out.height = number(64);
    return out;
  }
  std::optional<Snapshot> snapshot() {
    if (null()) return std::nullopt;
    Snapshot out;
    require(array() == 5);
    out.tree = tree();
    if (!null()) {
      require(array() == 4);
      out.base = tree();
    }
    return out;
  }

 private:
  template <class T>
  T take(Result<T> value) {
    require(value.has_value());
    return ok_ ? std::move(*value) : T{};
  }

  cbor::Reader from_;
  bool ok_ = true;
};

// Of all spellings only ours is taken: so orders and duplicates of keys are checked too.
template <class T>
Result<T> accept(const Fields& fields, const T& value, BytesView encoded) {
  if (!fields.done() || !spot::equal(encode(value), encoded)) return fail(Errc::malformed);
  return value;
}

}  // namespace

bool merge(Writers& into, const Writers& other) {
  bool changed = false;
  for (const auto& [writer, theirs] : other) {
    const auto [at, is_new] = into.try_emplace(writer, theirs);
    Registration& ours = at->second;
    const bool says_more = theirs.retired != ours.retired ? theirs.retired : ours.stamp < theirs.stamp;
    if (!is_new && says_more) ours = theirs;
    changed = changed || is_new || says_more;
  }
  return changed;
}

Bytes encode(const StoreRecord& record) {
  return cbor::Writer{}.put_map(2).put(1).put_bytes(record.id).put(2).put(record.conflicts_last ? 1 : 0).take();
}

Bytes encode(const Writers& writers) {
  cbor::Writer out;
  out.put_map(writers.size());
  for (const auto& [writer, registration] : writers) {
    out.put_bytes(writer);
    if (!registration.retired) out.put_array(2).put_text(registration.host);
    encode(out, registration.stamp);
  }
  return out.take();
}

Bytes encode(const LogList& list) {
  cbor::Writer out;
  encode_into(out, list);
  return out.take();
}

Bytes encode(const Snapshot& snapshot) {
  cbor::Writer out;
  encode_into(out, snapshot);
  return out.take();
}

Bytes encode(const Head& head) {
  cbor::Writer out;
  out.put_map(7);
  out.put(1).put(head.counter);
  out.put(2).put_bytes(head.run);
  encode_into(out.put(3), head.log);
  encode_into(out.put(4), head.snapshot);
  out.put(5).put_map(head.seen.size());
  for (const auto& [writer, counter] : head.seen) out.put_bytes(writer).put(counter);
  out.put(6).put_text(head.host);
  encode(out.put(7), head.stamp);
  return out.take();
}

Result<StoreRecord> decode_store_record(BytesView encoded) {
  Fields from{encoded};
  StoreRecord out;
  from.require(from.map() == 2);
  from.key(1);
  out.id = from.id();
  from.key(2);
  out.conflicts_last = from.number(1) == 1;
  return accept(from, out, encoded);
}

Result<Writers> decode_writers(BytesView encoded) {
  if (encoded.size() > kMaxRecord) return fail(Errc::malformed);
  Fields from{encoded};
  Writers out;
  const std::size_t count = from.map();
  for (std::size_t i = 0; from.ok() && i < count; ++i) {
    const WriterId writer = from.id();
    Registration registration;
    registration.retired = from.is_bytes();
    if (!registration.retired) {
      from.require(from.array() == 2);
      registration.host = from.host();
    }
    registration.stamp = from.stamp();
    out.insert_or_assign(writer, std::move(registration));
  }
  return accept(from, out, encoded);
}

Result<LogList> decode_log_list(BytesView encoded) {
  if (encoded.size() > kMaxLogList) return fail(Errc::malformed);
  Fields from{encoded};
  const LogList out = from.log_list();
  return accept(from, out, encoded);
}

Result<Snapshot> decode_snapshot(BytesView encoded) {
  Fields from{encoded};
  const std::optional<Snapshot> out = from.snapshot();
  from.require(out.has_value());
  return accept(from, out.value_or(Snapshot{}), encoded);
}

Result<Head> decode_head(BytesView encoded) {
  if (encoded.size() > kMaxRecord) return fail(Errc::malformed);
  Fields from{encoded};
  Head out;
  from.require(from.map() == 7);
  from.key(1);
  out.counter = from.number(kMaxCounter);
  from.key(2);
  out.run = from.id();
  from.key(3);
  out.log = from.log_list();
  from.key(4);
  out.snapshot = from.snapshot();
  from.key(5);
  const std::size_t count = from.map();
  for (std::size_t i = 0; from.ok() && i < count; ++i) {
    const WriterId writer = from.id();
    out.seen.insert_or_assign(writer, from.number(kMaxCounter));
  }
  from.key(6);
  out.host = from.host();
  from.key(7);
  out.stamp = from.stamp();
  return accept(from, out, encoded);
}

}  // namespace spotfs
