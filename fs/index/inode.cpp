#include "fs/index/inode.hpp"

#include <algorithm>
#include <limits>

namespace spotfs {

using spot::fail;

namespace {

// The fields of an inode by number; Changes uses those of the same name.
enum Field : std::uint64_t {
  kind_field = 0,
  version_field,
  reference_field,
  mode_field,
  uid_field,
  gid_field,
  atime_field,
  mtime_field,
  ctime_field,
  birth_field,
  xattrs_field,
  target_field,
  device_field,
  links_field,
  place_field,
  flags_field,
  alias_field,
  since_field,
};

void encode(cbor::Writer& to, const Xattrs& xattrs) {
  to.put_map(xattrs.size());
  for (const auto& [name, value] : xattrs) to.put_bytes(spot::view(name)).put_bytes(spot::view(value));
}

void encode(cbor::Writer& to, const Device& device) { to.put_array(2).put(device.major).put(device.minor); }

// Collects the fields of a map, so that its head can be written once their number is known.
class MapWriter {
 public:
  cbor::Writer& field(Field number) {
    ++count_;
    return body_.put(number);
  }
  void number(Field field_number, std::uint64_t value) {
    if (value != 0) field(field_number).put(value);
  }
  template <class T>
  void value(Field field_number, const T& value) {
    encode(field(field_number), value);
  }
  void finish(cbor::Writer& to) { to.put_map(count_).put_item(body_.bytes()); }

 private:
  cbor::Writer body_;
  std::size_t count_ = 0;
};

template <class T>
bool read_into(Result<T> from, T& to) {
  if (!from) return false;
  to = std::move(*from);
  return true;
}

template <class T>
bool read_into(Result<T> from, std::optional<T>& to) {
  if (!from) return false;
  to = std::move(*from);
  return true;
}

bool read_number(cbor::Reader& from, std::uint64_t limit, std::uint64_t& to) {
  return read_into(from.read_unsigned(), to) && to <= limit;
}

bool read_number(cbor::Reader& from, std::uint64_t limit, std::uint32_t& to) {
  std::uint64_t wide = 0;
  if (!read_number(from, limit, wide)) return false;
  to = static_cast<std::uint32_t>(wide);
  return true;
}

bool read_number(cbor::Reader& from, std::uint64_t limit, std::optional<std::uint32_t>& to) {
  return read_number(from, limit, to.emplace());
}

constexpr std::uint64_t kMaxId = std::numeric_limits<std::uint32_t>::max();

bool read_kind(cbor::Reader& from, Kind last, Kind& to) {
  std::uint64_t number = 0;
  if (!read_number(from, static_cast<std::uint64_t>(last), number) || number == 0) return false;
  to = static_cast<Kind>(number);
  return true;
}

bool read_string(cbor::Reader& from, std::size_t limit, std::string& to) {
  const Result<BytesView> bytes = from.read_bytes();
  if (!bytes || bytes->size() > limit) return false;
  to = spot::to_string(*bytes);
  return true;
}

bool read_device(cbor::Reader& from, Device& to) {
  const Result<std::size_t> fields = from.read_array();
  return fields && *fields == 2 && read_number(from, kMaxId, to.major) && read_number(from, kMaxId, to.minor);
}

// Values of type std::string or std::optional<std::string>. `limit` counts names and values.
template <class Map>
bool read_xattrs(cbor::Reader& from, std::size_t limit, Map& to) {
  const Result<std::size_t> count = from.read_map();
  if (!count) return false;
  std::size_t size = 0;
  for (std::size_t i = 0; i < *count; ++i) {
    std::string name, value;
    if (!read_string(from, kMaxName, name) || name.empty()) return false;
    if (!to.empty() && !EncodedOrder{}(to.rbegin()->first, name)) return false;
    size += name.size();
    if constexpr (!std::is_same_v<typename Map::mapped_type, std::string>) {
      if (from.take_null()) {
        to.emplace_hint(to.end(), std::move(name), std::nullopt);
        if (size > limit) return false;
        continue;
      }
    }
    if (!read_string(from, limit, value)) return false;
    size += value.size();
    if (size > limit) return false;
    to.emplace_hint(to.end(), std::move(name), std::move(value));
  }
  return true;
}

// Calls read(field) for each pair; keys must rise.
template <class Read>
Result<void> read_fields(cbor::Reader& from, Read read) {
  const Result<std::size_t> count = from.read_map();
  if (!count) return count.error();
  std::uint64_t next = 0;
  for (std::size_t i = 0; i < *count; ++i) {
    const Result<std::uint64_t> key = from.read_unsigned();
    if (!key || *key < next || *key > since_field) return fail(Errc::malformed);
    if (!read(static_cast<Field>(*key))) return fail(Errc::malformed);
    next = *key + 1;
  }
  return {};
}

bool is_device(Kind kind) noexcept { return kind == Kind::character_device || kind == Kind::block_device; }

bool is_consistent(const NewInode& inode) noexcept {
  if (inode.kind != Kind::file && (inode.version || inode.reference || inode.flags != 0)) return false;
  if (inode.reference && inode.reference->id && !inode.version) return false;
  if ((inode.kind == Kind::symlink) == inode.target.empty()) return false;
  return is_device(inode.kind) || inode.device == Device{};
}

constexpr std::size_t kMaxStoredXattrs = 64 * 1024;  // several writers may together pass the limit of one operation

}  // namespace

bool is_name(std::string_view name) noexcept {
  constexpr std::string_view kSlashAndNul{"/\0", 2};
  return !name.empty() && name.size() <= kMaxName && name != "." && name != ".." &&
         name.find_first_of(kSlashAndNul) == name.npos;
}

void encode(cbor::Writer& to, const Place& place) {
  encode(to.put_array(2), place.directory);
  to.put_bytes(spot::view(place.name));
}

void encode(cbor::Writer& to, const Inode& inode) {
  MapWriter map;
  map.number(kind_field, static_cast<std::uint64_t>(inode.kind));
  if (inode.version) map.value(version_field, *inode.version);
  if (inode.reference) map.value(reference_field, inode.reference);
  map.number(mode_field, inode.mode);
  map.number(uid_field, inode.uid);
  map.number(gid_field, inode.gid);
  if (inode.atime != Time{}) map.value(atime_field, inode.atime);
  if (inode.mtime != Time{}) map.value(mtime_field, inode.mtime);
  if (inode.ctime != Time{}) map.value(ctime_field, inode.ctime);
  if (inode.birth != Time{}) map.value(birth_field, inode.birth);
  if (!inode.xattrs.empty()) map.value(xattrs_field, inode.xattrs);
  if (!inode.target.empty()) map.field(target_field).put_bytes(spot::view(inode.target));
  if (inode.device != Device{}) map.value(device_field, inode.device);
  map.number(links_field, inode.links);
  if (inode.place != Place{}) map.value(place_field, inode.place);
  map.number(flags_field, inode.flags);
  if (inode.alias_of != Stamp{}) map.value(alias_field, inode.alias_of);
  if (inode.since != Stamp{}) map.value(since_field, inode.since);
  map.finish(to);
}

void encode(cbor::Writer& to, const NewInode& inode) {
  MapWriter map;
  map.number(kind_field, static_cast<std::uint64_t>(inode.kind));
  if (inode.version) map.value(version_field, *inode.version);
  if (inode.reference) map.value(reference_field, inode.reference);
  map.number(mode_field, inode.mode);
  map.number(uid_field, inode.uid);
  map.number(gid_field, inode.gid);
  if (inode.atime) map.value(atime_field, *inode.atime);
  if (inode.mtime) map.value(mtime_field, *inode.mtime);
  if (inode.birth) map.value(birth_field, *inode.birth);
  if (!inode.xattrs.empty()) map.value(xattrs_field, inode.xattrs);
  if (!inode.target.empty()) map.field(target_field).put_bytes(spot::view(inode.target));
  if (inode.device != Device{}) map.value(device_field, inode.device);
  map.number(flags_field, inode.flags);
  map.finish(to);
}

void Changes::apply_to(Inode& inode) const {
  inode.mode = mode.value_or(inode.mode);
  inode.uid = uid.value_or(inode.uid);
  inode.gid = gid.value_or(inode.gid);
  inode.atime = atime.value_or(inode.atime);
  inode.mtime = mtime.value_or(inode.mtime);
  for (const auto& [name, value] : xattrs) {
    if (value) {
      inode.xattrs.insert_or_assign(name, *value);
    } else {
      inode.xattrs.erase(name);
    }
  }
}

void encode(cbor::Writer& to, const Changes& changes) {
  MapWriter map;
  if (changes.mode) map.field(mode_field).put(*changes.mode);
  if (changes.uid) map.field(uid_field).put(*changes.uid);
  if (changes.gid) map.field(gid_field).put(*changes.gid);
  if (changes.atime) map.value(atime_field, *changes.atime);
  if (changes.mtime) map.value(mtime_field, *changes.mtime);
  if (!changes.xattrs.empty()) {
    cbor::Writer& xattrs = map.field(xattrs_field).put_map(changes.xattrs.size());
    for (const auto& [name, value] : changes.xattrs) {
      xattrs.put_bytes(spot::view(name));
      value ? xattrs.put_bytes(spot::view(*value)) : xattrs.put_null();
    }
  }
  map.finish(to);
}

Result<Place> decode_place(cbor::Reader& from) {
  Place out;
  const Result<std::size_t> fields = from.read_array();
  if (!fields || *fields != 2 || !read_into(decode_stamp(from), out.directory)) return fail(Errc::malformed);
  if (!read_string(from, kMaxName, out.name)) return fail(Errc::malformed);
  return out;
}

Result<Inode> decode_inode(cbor::Reader& from) {
  Inode out;
  out.kind = Kind{};
  const Result<void> read = read_fields(from, [&](Field field) -> bool {
    switch (field) {
      case kind_field: return read_kind(from, Kind::removed, out.kind);
      case version_field: return read_into(decode_stamp(from), out.version);
      case reference_field: return read_into(decode_reference(from), out.reference);
      case mode_field: return read_number(from, kModeBits, out.mode);
      case uid_field: return read_number(from, kMaxId, out.uid);
      case gid_field: return read_number(from, kMaxId, out.gid);
      case atime_field: return read_into(decode_time(from), out.atime);
      case mtime_field: return read_into(decode_time(from), out.mtime);
      case ctime_field: return read_into(decode_time(from), out.ctime);
      case birth_field: return read_into(decode_time(from), out.birth);
      case xattrs_field: return read_xattrs(from, kMaxStoredXattrs, out.xattrs);
      case target_field: return read_string(from, kMaxTarget, out.target);
      case device_field: return read_device(from, out.device);
      case links_field: return read_number(from, kMaxId, out.links);
      case place_field: return read_into(decode_place(from), out.place);
      case flags_field: return read_number(from, kMaxId, out.flags);
      case alias_field: return read_into(decode_stamp(from), out.alias_of);
      case since_field: return read_into(decode_stamp(from), out.since);
    }
    return false;
  });
  if (!read || out.kind == Kind{}) return fail(Errc::malformed);
  return out;
}

Result<NewInode> decode_new_inode(cbor::Reader& from) {
  NewInode out;
  out.kind = Kind{};
  const Result<void> read = read_fields(from, [&](Field field) -> bool {
    switch (field) {
      case kind_field: return read_kind(from, Kind::block_device, out.kind);
      case version_field: return read_into(decode_stamp(from), out.version);
      case reference_field: return read_into(decode_reference(from), out.reference);
      case mode_field: return read_number(from, kModeBits, out.mode);
      case uid_field: return read_number(from, kMaxId, out.uid);
      case gid_field: return read_number(from, kMaxId, out.gid);
      case atime_field: return read_into(decode_time(from), out.atime);
      case mtime_field: return read_into(decode_time(from), out.mtime);
      case birth_field: return read_into(decode_time(from), out.birth);
      case xattrs_field: return read_xattrs(from, kMaxXattrs, out.xattrs);
      case target_field: return read_string(from, kMaxTarget, out.target);
      case device_field: return read_device(from, out.device);
      case flags_field: return read_number(from, kMaxId, out.flags);
      case ctime_field:
      case links_field:
      case place_field:
      case alias_field:
      case since_field: return false;
    }
    return false;
  });
  if (!read || out.kind == Kind{} || !is_consistent(out)) return fail(Errc::malformed);
  return out;
}

Result<Changes> decode_changes(cbor::Reader& from) {
  Changes out;
  const Result<void> read = read_fields(from, [&](Field field) -> bool {
    switch (field) {
      case mode_field: return read_number(from, kModeBits, out.mode);
      case uid_field: return read_number(from, kMaxId, out.uid);
      case gid_field: return read_number(from, kMaxId, out.gid);
      case atime_field: return read_into(decode_time(from), out.atime);
      case mtime_field: return read_into(decode_time(from), out.mtime);
      case xattrs_field: return read_xattrs(from, kMaxXattrs, out.xattrs);
      default: return false;
    }
  });
  if (!read) return read.error();
  return out;
}

}  // namespace spotfs
