#include "client/bottle/bottle.hpp"

namespace spot {
namespace {

using cbor::Reader;
using cbor::Writer;

constexpr std::uint64_t kPlainKey = 0;  // the only type of recipients and signatures that there is
const Bytes kEmptyMap{0xA0};

// `[0, key, value]`
Result<std::pair<Bytes, Bytes>> read_keyed(Reader& reader) {
  const Result<std::size_t> size = reader.read_array();
  if (!size) return size.error();
  if (*size != 3) return fail(Errc::malformed);
  const Result<std::uint64_t> type = reader.read_unsigned();
  if (!type) return type.error();
  if (*type != kPlainKey) return fail(Errc::malformed);
  const Result<BytesView> key = reader.read_bytes();
  if (!key) return key.error();
  const Result<BytesView> value = reader.read_bytes();
  if (!value) return value.error();
  return std::pair{to_bytes(*key), to_bytes(*value)};
}

// Null or an array of keyed entries; `was_empty_array` keeps which of the two an empty one was.
template <class Entry>
Result<std::vector<Entry>> read_entries(Reader& reader, std::size_t limit, bool& was_empty_array) {
  std::vector<Entry> out;
  if (reader.take_null()) return out;
  const Result<std::size_t> size = reader.read_array();
  if (!size) return size.error();
  if (*size > limit) return fail(Errc::malformed);
  was_empty_array = *size == 0;
  for (std::size_t i = 0; i < *size; ++i) {
    Result<std::pair<Bytes, Bytes>> entry = read_keyed(reader);
    if (!entry) return entry.error();
    out.push_back({std::move(entry->first), std::move(entry->second)});
  }
  return out;
}

void put_keyed(Writer& writer, BytesView key, BytesView value) {
  writer.put_array(3).put(kPlainKey).put_bytes(key).put_bytes(value);
}

void put_list_head(Writer& writer, std::size_t size, bool as_array) {
  if (size != 0 || as_array)
    writer.put_array(size);
  else
    writer.put_null();
}

}  // namespace

Result<Bottle> decode_bottle(BytesView bytes) {
  Reader reader{bytes};
  const Result<std::size_t> fields = reader.read_array();
  if (!fields) return fields.error();
  if (*fields != 5) return fail(Errc::malformed);

  Bottle bottle;
  const Result<cbor::Type> header_type = reader.peek();
  if (!header_type || (*header_type != cbor::Type::map && *header_type != cbor::Type::null))
    return fail(Errc::malformed);
  bottle.null_header = *header_type == cbor::Type::null;
  const Result<BytesView> header = reader.read_item();
  if (!header) return header.error();
  bottle.header = bottle.null_header ? kEmptyMap : to_bytes(*header);

  bottle.null_message = reader.take_null();
  if (!bottle.null_message) {
    const Result<BytesView> message = reader.read_bytes();
    if (!message) return message.error();
    bottle.message = to_bytes(*message);
  }

  const Result<std::uint64_t> format = reader.read_unsigned();
  if (!format) return format.error();
  if (*format > static_cast<std::uint64_t>(Format::json)) return fail(Errc::malformed);
  bottle.format = static_cast<Format>(*format);

  Result<std::vector<Recipient>> recipients =
      read_entries<Recipient>(reader, kMaxRecipients, bottle.empty_recipients_array);
  if (!recipients) return recipients.error();
  bottle.recipients = std::move(*recipients);
  Result<std::vector<Signature>> signatures =
      read_entries<Signature>(reader, kMaxSignatures, bottle.empty_signatures_array);
  if (!signatures) return signatures.error();
  bottle.signatures = std::move(*signatures);
  if (const Result<void> end = reader.finish(); !end) return end.error();
  return bottle;
}

Bytes encode_bottle(const Bottle& bottle) {
  Writer writer;
  writer.reserve(bottle.message.size() + 512);
  writer.put_array(5);
  if (bottle.null_header)
    writer.put_null();
  else
    writer.put_item(bottle.header);
  if (bottle.null_message)
    writer.put_null();
  else
    writer.put_bytes(bottle.message);
  writer.put(static_cast<std::uint64_t>(bottle.format));
  put_list_head(writer, bottle.recipients.size(), bottle.empty_recipients_array);
  for (const Recipient& r : bottle.recipients) put_keyed(writer, r.key, r.wrapped);
  put_list_head(writer, bottle.signatures.size(), bottle.empty_signatures_array);
  for (const Signature& s : bottle.signatures) put_keyed(writer, s.key, s.signature);
  return writer.take();
}

}  // namespace spot
