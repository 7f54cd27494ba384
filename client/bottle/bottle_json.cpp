#include <boost/json.hpp>

#include "client/base/encoding.hpp"
#include "client/base/json.hpp"
#include "client/bottle/bottle.hpp"

namespace spot {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxJsonSize = 4 << 20;

Result<Bytes> bytes_field(const json::object& object, std::string_view name) {
  const json::value* const value = object.if_contains(name);
  if (value == nullptr || value->is_null()) return Bytes{};
  if (!value->is_string()) return fail(Errc::malformed);
  return from_any_base64(value->get_string());
}

// A header in JSON becomes CBOR; binary values stay texts, as JSON has no others.
Result<void> put_json(cbor::Writer& writer, const json::value& value) {
  switch (value.kind()) {
    case json::kind::null: writer.put_null(); return {};
    case json::kind::bool_: writer.put_bool(value.get_bool()); return {};
    case json::kind::int64: writer.put_integer(value.get_int64()); return {};
    case json::kind::uint64: writer.put(value.get_uint64()); return {};
    case json::kind::double_: return fail(Errc::malformed);
    case json::kind::string: {
      const std::string_view text = value.get_string();
      writer.put_text(text);
      return {};
    }
    case json::kind::array:
      writer.put_array(value.get_array().size());
      for (const json::value& item : value.get_array())
        if (const Result<void> ok = put_json(writer, item); !ok) return ok;
      return {};
    case json::kind::object: break;
  }
  writer.put_map(value.get_object().size());
  for (const json::key_value_pair& pair : value.get_object()) {
    writer.put_text(std::string_view{pair.key()});
    if (const Result<void> ok = put_json(writer, pair.value()); !ok) return ok;
  }
  return {};
}

Result<json::value> to_json(cbor::Reader& reader);

Result<json::value> array_to_json(cbor::Reader& reader) {
  const Result<std::size_t> size = reader.read_array();
  if (!size) return size.error();
  json::array out;
  for (std::size_t i = 0; i < *size; ++i) {
    Result<json::value> item = to_json(reader);
    if (!item) return item.error();
    out.push_back(std::move(*item));
  }
  return json::value(std::move(out));
}

Result<json::value> map_to_json(cbor::Reader& reader) {
  const Result<std::size_t> size = reader.read_map();
  if (!size) return size.error();
  json::object out;
  for (std::size_t i = 0; i < *size; ++i) {
    const Result<std::string_view> key = reader.read_text();
    if (!key) return key.error();
    Result<json::value> value = to_json(reader);
    if (!value) return value.error();
    out[*key] = std::move(*value);
  }
  return json::value(std::move(out));
}

// The header was read as one item before: its nesting is bounded.
Result<json::value> to_json(cbor::Reader& reader) {
  const Result<cbor::Type> type = reader.peek();
  if (!type) return type.error();
  switch (*type) {
    case cbor::Type::null: reader.take_null(); return json::value(nullptr);
    case cbor::Type::boolean: {
      const Result<bool> value = reader.read_bool();
      if (!value) return value.error();
      return json::value(*value);
    }
    case cbor::Type::unsigned_integer: {
      const Result<std::uint64_t> value = reader.read_unsigned();
      if (!value) return value.error();
      return json::value(*value);
    }
    case cbor::Type::negative_integer: {
      const Result<std::int64_t> value = reader.read_integer();
      if (!value) return value.error();
      return json::value(*value);
    }
    case cbor::Type::text: {
      const Result<std::string_view> value = reader.read_text();
      if (!value) return value.error();
      return json::value(*value);
    }
    case cbor::Type::bytes: {
      const Result<BytesView> value = reader.read_bytes();
      if (!value) return value.error();
      return json::value(base64url(*value));
    }
    case cbor::Type::array: return array_to_json(reader);
    case cbor::Type::map: return map_to_json(reader);
    case cbor::Type::tag:
    case cbor::Type::other: break;
  }
  return fail(Errc::malformed);
}

// An array of {typ, key, dat}.
template <class Entry>
Result<std::vector<Entry>> entries_field(const json::object& object, std::string_view name, std::size_t limit) {
  std::vector<Entry> out;
  const json::value* const value = object.if_contains(name);
  if (value == nullptr || value->is_null()) return out;
  if (!value->is_array() || value->get_array().size() > limit) return fail(Errc::malformed);
  for (const json::value& item : value->get_array()) {
    if (!item.is_object()) return fail(Errc::malformed);
    const json::object& entry = item.get_object();
    const json::value* const type = entry.if_contains("typ");
    if (type != nullptr && !(type->is_int64() && type->get_int64() == 0)) return fail(Errc::malformed);
    Result<Bytes> key = bytes_field(entry, "key");
    Result<Bytes> data = bytes_field(entry, "dat");
    if (!key || !data) return fail(Errc::malformed);
    out.push_back({std::move(*key), std::move(*data)});
  }
  return out;
}

json::object entry_object(BytesView key, BytesView data) {
  json::object out;
  out["key"] = base64url(key);
  out["dat"] = base64url(data);
  return out;
}

}  // namespace

Result<Bottle> decode_json_bottle(std::string_view text) {
  if (text.size() > kMaxJsonSize) return fail(Errc::malformed);
  const auto value = parse_json(text);
  if (!value || !value->is_object()) return fail(Errc::malformed);
  const json::object& object = value->get_object();
  Bottle bottle;
  if (const json::value* const header = object.if_contains("hdr"); header != nullptr && !header->is_null()) {
    if (!header->is_object()) return fail(Errc::malformed);
    cbor::Writer writer;
    if (const Result<void> ok = put_json(writer, *header); !ok) return ok.error();
    bottle.header = writer.take();
  }
  if (const json::value* const format = object.if_contains("fmt"); format != nullptr) {
    if (!format->is_int64() || format->get_int64() < 0 || format->get_int64() > 3) return fail(Errc::malformed);
    bottle.format = static_cast<Format>(format->get_int64());
  }
  Result<Bytes> message = bytes_field(object, "msg");
  if (!message) return message.error();
  bottle.message = std::move(*message);
  Result<std::vector<Recipient>> recipients = entries_field<Recipient>(object, "dst", kMaxRecipients);
  if (!recipients) return recipients.error();
  bottle.recipients = std::move(*recipients);
  Result<std::vector<Signature>> signatures = entries_field<Signature>(object, "sig", kMaxSignatures);
  if (!signatures) return signatures.error();
  bottle.signatures = std::move(*signatures);
  return bottle;
}

Result<std::string> encode_json_bottle(const Bottle& bottle) {
  json::object out;
  if (bottle.has_header()) {
    cbor::Reader reader{bottle.header};
    Result<json::value> header = to_json(reader);
    if (!header) return header.error();
    out["hdr"] = std::move(*header);
  }
  if (!bottle.message.empty()) out["msg"] = base64url(bottle.message);
  if (bottle.format != Format::clear) out["fmt"] = static_cast<std::int64_t>(bottle.format);
  json::array recipients, signatures;
  for (const Recipient& r : bottle.recipients) recipients.push_back(entry_object(r.key, r.wrapped));
  for (const Signature& s : bottle.signatures) signatures.push_back(entry_object(s.key, s.signature));
  if (!recipients.empty()) out["dst"] = std::move(recipients);
  if (!signatures.empty()) out["sig"] = std::move(signatures);
  return json::serialize(out);
}

}  // namespace spot
