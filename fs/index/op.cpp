#include "fs/index/op.hpp"

namespace spotfs {

using spot::fail;

namespace {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;  // which clang 14 does not deduce

constexpr std::size_t kActions = std::variant_size_v<Action>;
constexpr std::size_t kFields[kActions] = {6, 6, 6, 8, 8, 7, 4};  // kind and stamp included

void put_name(cbor::Writer& to, const Place& place) {
  encode(to, place.directory);
  to.put_bytes(spot::view(place.name));
}

void put_over(cbor::Writer& to, const Over& over) {
  if (!over) {
    to.put_null();
    return;
  }
  encode(to.put_array(2), over->inode);
  encode(to, over->version);
}

// Reads field by field; after the first error all that follows is void and ok() false.
class FieldReader {
 public:
  explicit FieldReader(cbor::Reader& from) : from_{from} {}
  bool ok() const noexcept { return ok_; }

  Stamp stamp() { return take(decode_stamp(from_)); }
  Version version() { return take(decode_version(from_)); }
  Time time() { return take(decode_time(from_)); }
  std::optional<Reference> reference() { return take(decode_reference(from_)); }
  NewInode new_inode() { return take(decode_new_inode(from_)); }
  Changes changes() { return take(decode_changes(from_)); }
  std::uint64_t flags() {
    const std::uint64_t value = take(from_.read_unsigned());
    if (value > 0xFFFF'FFFF) ok_ = false;
    return value;
  }
  Place place() {
    Place out;
    out.directory = stamp();
    const BytesView name = take(from_.read_bytes());
    if (!is_name(spot::as_text(name)))
      ok_ = false;
    else
      out.name = spot::to_string(name);
    return out;
  }
  Over over() {
    if (!ok_ || from_.take_null()) return std::nullopt;
    if (take(from_.read_array()) != 2) ok_ = false;
    Seen out;
    out.inode = stamp();
    out.version = version();
    return out;
  }

 private:
  template <class T>
  T take(Result<T> value) {
    ok_ = ok_ && value.has_value();
    return ok_ ? std::move(*value) : T{};
  }

  cbor::Reader& from_;
  bool ok_ = true;
};

const Over* over_of(const Operation& operation) noexcept {
  return std::visit(
      [](const auto& op) -> const Over* {
        if constexpr (requires { op.over; })
          return &op.over;
        else
          return nullptr;
      },
      operation.action);
}

Action read_action(std::uint64_t kind, FieldReader& from) {
  switch (kind) {
    case 1: {
      Make out;
      out.at = from.place();
      out.over = from.over();
      out.inode = from.new_inode();
      return out;
    }
    case 2: {
      Link out;
      out.at = from.place();
      out.over = from.over();
      out.inode = from.stamp();
      return out;
    }
    case 3: {
      Unlink out;
      out.at = from.place();
      out.inode = from.stamp();
      out.version = from.version();
      return out;
    }
    case 4: {
      Move out;
      out.from = from.place();
      out.inode = from.stamp();
      out.to = from.place();
      out.over = from.over();
      return out;
    }
    case 5: {
      Exchange out;
      out.one = from.place();
      out.inode = from.stamp();
      out.other = from.place();
      out.other_inode = from.stamp();
      return out;
    }
    case 6: {
      Write out;
      out.inode = from.stamp();
      out.base = from.version();
      out.reference = from.reference();
      out.mtime = from.time();
      out.flags = from.flags();
      return out;
    }
    default: {
      Set out;
      out.inode = from.stamp();
      out.changes = from.changes();
      return out;
    }
  }
}

Result<Operation> read_operation(cbor::Reader& from) {
  const Result<std::size_t> fields = from.read_array();
  if (!fields) return fields.error();
  const Result<std::uint64_t> kind = from.read_unsigned();
  if (!kind || *kind == 0 || *kind > kActions || kFields[*kind - 1] != *fields) return fail(Errc::malformed);
  FieldReader reader{from};
  Operation out;
  out.stamp = reader.stamp();
  out.action = read_action(*kind, reader);
  if (!reader.ok()) return fail(Errc::malformed);
  return out;
}

}  // namespace

std::optional<Reference> content_of(const Operation& operation) {
  if (const Make* const make = std::get_if<Make>(&operation.action)) return make->inode.reference;
  if (const Write* const write = std::get_if<Write>(&operation.action)) return write->reference;
  return std::nullopt;
}

std::vector<InodeId> named_inodes(const Operation& operation) {
  std::vector<InodeId> out =
      std::visit(Overloaded{
                     [&](const Make& op) {
                       return std::vector{operation.stamp, op.at.directory};
                     },
                     [](const Link& op) {
                       return std::vector{op.inode, op.at.directory};
                     },
                     [](const Unlink& op) {
                       return std::vector{op.inode, op.at.directory};
                     },
                     [](const Move& op) {
                       return std::vector{op.inode, op.from.directory, op.to.directory};
                     },
                     [](const Exchange& op) {
                       return std::vector{op.inode, op.other_inode, op.one.directory, op.other.directory};
                     },
                     [](const Write& op) { return std::vector{op.inode}; },
                     [](const Set& op) { return std::vector{op.inode}; },
                 },
                 operation.action);
  if (const Over* over = over_of(operation); over && *over) out.push_back((*over)->inode);
  return out;
}

void encode(cbor::Writer& to, const Operation& operation) {
  const std::size_t kind = operation.action.index();
  to.put_array(kFields[kind]).put(kind + 1);
  encode(to, operation.stamp);
  std::visit(Overloaded{
                 [&](const Make& op) {
                   put_name(to, op.at);
                   put_over(to, op.over);
                   encode(to, op.inode);
                 },
                 [&](const Link& op) {
                   put_name(to, op.at);
                   put_over(to, op.over);
                   encode(to, op.inode);
                 },
                 [&](const Unlink& op) {
                   put_name(to, op.at);
                   encode(to, op.inode);
                   encode(to, op.version);
                 },
                 [&](const Move& op) {
                   put_name(to, op.from);
                   encode(to, op.inode);
                   put_name(to, op.to);
                   put_over(to, op.over);
                 },
                 [&](const Exchange& op) {
                   put_name(to, op.one);
                   encode(to, op.inode);
                   put_name(to, op.other);
                   encode(to, op.other_inode);
                 },
                 [&](const Write& op) {
                   encode(to, op.inode);
                   encode(to, op.base);
                   encode(to, op.reference);
                   encode(to, op.mtime);
                   to.put(op.flags);
                 },
                 [&](const Set& op) {
                   encode(to, op.inode);
                   encode(to, op.changes);
                 },
             },
             operation.action);
}

Bytes encode(const Operation& operation) {
  cbor::Writer out;
  encode(out, operation);
  return out.take();
}

Result<Operation> decode_operation(BytesView encoded) {
  if (encoded.size() > kMaxPiece) return fail(Errc::malformed);
  cbor::Reader reader{encoded};
  Result<Operation> out = read_operation(reader);
  // Encoded again, so that of all spellings only ours is taken.
  if (!out || !reader.at_end() || !spot::equal(encode(*out), encoded)) return fail(Errc::malformed);
  return out;
}

Bytes encode_piece(std::span<const Bytes> operations) {
  cbor::Writer out;
  out.put_array(operations.size());
  for (const Bytes& operation : operations) out.put_item(operation);
  return out.take();
}

Result<std::vector<Operation>> decode_piece(BytesView encoded) {
  if (encoded.size() > kMaxPiece) return fail(Errc::malformed);
  cbor::Reader reader{encoded};
  const Result<std::size_t> count = reader.read_array();
  if (!count || *count == 0) return fail(Errc::malformed);
  std::vector<Operation> out;
  cbor::Writer again;
  again.put_array(*count);
  for (std::size_t i = 0; i < *count; ++i) {
    Result<Operation> operation = read_operation(reader);
    if (!operation) return operation.error();
    encode(again, *operation);
    const bool follows =
        out.empty() || (out.back().stamp < operation->stamp && out.back().stamp.run() == operation->stamp.run());
    if (!follows) return fail(Errc::malformed);
    out.push_back(std::move(*operation));
  }
  if (!reader.at_end() || !spot::equal(again.bytes(), encoded)) return fail(Errc::malformed);
  return out;
}

}  // namespace spotfs
