#include "client/bottle/cbor.hpp"

#include <algorithm>
#include <limits>

#include <cbor.h>

#include "client/base/encoding.hpp"

namespace spot::cbor {
namespace {

constexpr int kMaxDepth = 16;

// What stands at the front of the bytes: a whole scalar or string, or the head of an array, map or tag.
struct Item {
  Type type = Type::other;
  std::uint64_t value = 0;  // the integer, -1 - value where negative; length; tag; 0 or 1
  double number = 0;
  BytesView data;
  std::size_t size = 0;  // bytes read
  bool definite = true;
};

Item& item(void* context) noexcept { return *static_cast<Item*>(context); }

template <class T>
void on_unsigned(void* context, T value) noexcept {
  item(context).type = Type::unsigned_integer;
  item(context).value = value;
}
template <class T>
void on_negative(void* context, T value) noexcept {
  item(context).type = Type::negative_integer;
  item(context).value = value;
}
template <Type type>
void on_string(void* context, cbor_data data, std::size_t size) noexcept {
  item(context).type = type;
  item(context).value = size;
  item(context).data = {data, size};
}
template <Type type>
void on_head(void* context, std::uint64_t size) noexcept {
  item(context).type = type;
  item(context).value = size;
}
void on_array(void* context, std::size_t size) noexcept { on_head<Type::array>(context, size); }
void on_map(void* context, std::size_t size) noexcept { on_head<Type::map>(context, size); }
void on_indefinite(void* context) noexcept { item(context).definite = false; }
void on_float(void* context, float value) noexcept {
  item(context).type = Type::other;
  item(context).number = static_cast<double>(value);
}
void on_double(void* context, double value) noexcept {
  item(context).type = Type::other;
  item(context).number = value;
}
void on_bool(void* context, bool value) noexcept {
  item(context).type = Type::boolean;
  item(context).value = value ? 1 : 0;
}
void on_null(void* context) noexcept { item(context).type = Type::null; }

cbor_callbacks make_callbacks() noexcept {
  cbor_callbacks c = cbor_empty_callbacks;
  c.uint8 = &on_unsigned<std::uint8_t>;
  c.uint16 = &on_unsigned<std::uint16_t>;
  c.uint32 = &on_unsigned<std::uint32_t>;
  c.uint64 = &on_unsigned<std::uint64_t>;
  c.negint8 = &on_negative<std::uint8_t>;
  c.negint16 = &on_negative<std::uint16_t>;
  c.negint32 = &on_negative<std::uint32_t>;
  c.negint64 = &on_negative<std::uint64_t>;
  c.byte_string = &on_string<Type::bytes>;
  c.string = &on_string<Type::text>;
  c.array_start = &on_array;
  c.map_start = &on_map;
  c.tag = &on_head<Type::tag>;
  c.float2 = &on_float;
  c.float4 = &on_float;
  c.float8 = &on_double;
  c.boolean = &on_bool;
  c.null = &on_null;
  c.byte_string_start = &on_indefinite;
  c.string_start = &on_indefinite;
  c.indef_array_start = &on_indefinite;
  c.indef_map_start = &on_indefinite;
  c.indef_break = &on_indefinite;
  return c;
}

std::size_t shortest_head(std::uint64_t value) noexcept {
  if (value < 24) return 1;
  if (value <= 0xFF) return 2;
  if (value <= 0xFFFF) return 3;
  return value <= 0xFFFFFFFF ? 5 : 9;
}

bool is_float(std::uint8_t initial) noexcept { return initial >= 0xF9 && initial <= 0xFB; }

Result<Item> decode(BytesView from) {
  static const cbor_callbacks callbacks = make_callbacks();
  Item out;
  const cbor_decoder_result result = cbor_stream_decode(from.data(), from.size(), &callbacks, &out);
  if (result.status != CBOR_DECODER_FINISHED || !out.definite) return fail(Errc::malformed);
  out.size = result.read;
  const std::size_t head = out.size - out.data.size();
  if (out.type == Type::boolean || out.type == Type::null) return out;
  // Of the simple values only these and floats are used.
  if (out.type == Type::other) return is_float(from.front()) ? Result<Item>{out} : fail(Errc::malformed);
  if (head != shortest_head(out.value)) return fail(Errc::malformed);
  if (out.type == Type::text && !is_utf8(as_text(out.data))) return fail(Errc::malformed);
  return out;
}

Result<void> skip(BytesView& left, int depth) {
  if (depth > kMaxDepth) return fail(Errc::malformed);
  const Result<Item> next = decode(left);
  if (!next) return next.error();
  left = left.subspan(next->size);
  std::uint64_t items = 0;
  if (next->type == Type::array) items = next->value;
  if (next->type == Type::tag) items = 1;
  if (next->type == Type::map) {
    if (next->value > left.size() / 2) return fail(Errc::malformed);
    KeySet keys;
    for (std::uint64_t i = 0; i < next->value; ++i) {
      const BytesView start = left;
      if (const Result<void> key = skip(left, depth + 1); !key) return key;
      if (const Result<void> fresh = keys.add(start.first(start.size() - left.size())); !fresh) return fresh;
      if (const Result<void> value = skip(left, depth + 1); !value) return value;
    }
    return {};
  }
  if (items > left.size()) return fail(Errc::malformed);
  for (std::uint64_t i = 0; i < items; ++i)
    if (const Result<void> one = skip(left, depth + 1); !one) return one;
  return {};
}

// Takes an item of one type off the front.
Result<Item> take(BytesView& left, Type type) {
  const Result<Item> next = decode(left);
  if (!next) return next.error();
  if (next->type != type) return fail(Errc::malformed);
  left = left.subspan(next->size);
  return next;
}

void put_head(Bytes& out, std::uint8_t major, std::uint64_t value) {
  const auto initial = static_cast<std::uint8_t>(major << 5);
  switch (shortest_head(value)) {
    case 1: out.push_back(static_cast<std::uint8_t>(initial | value)); break;
    case 2:
      out.push_back(initial | 24);
      append_be(out, static_cast<std::uint8_t>(value));
      break;
    case 3:
      out.push_back(initial | 25);
      append_be(out, static_cast<std::uint16_t>(value));
      break;
    case 5:
      out.push_back(initial | 26);
      append_be(out, static_cast<std::uint32_t>(value));
      break;
    default: out.push_back(initial | 27); append_be(out, value);
  }
}

}  // namespace

Result<Type> Reader::peek() const {
  const Result<Item> next = decode(left_);
  if (!next) return next.error();
  return next->type;
}

Result<std::uint64_t> Reader::read_unsigned() {
  const Result<Item> next = take(left_, Type::unsigned_integer);
  if (!next) return next.error();
  return next->value;
}

Result<std::int64_t> Reader::read_integer() {
  const Result<Item> next = decode(left_);
  if (!next) return next.error();
  if (next->type != Type::unsigned_integer && next->type != Type::negative_integer) return fail(Errc::malformed);
  if (next->value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return fail(Errc::malformed);
  left_ = left_.subspan(next->size);
  const auto value = static_cast<std::int64_t>(next->value);
  return next->type == Type::unsigned_integer ? value : -1 - value;
}

Result<BytesView> Reader::read_bytes() {
  const Result<Item> next = take(left_, Type::bytes);
  if (!next) return next.error();
  return next->data;
}

Result<std::string_view> Reader::read_text() {
  const Result<Item> next = take(left_, Type::text);
  if (!next) return next.error();
  return as_text(next->data);
}

Result<bool> Reader::read_bool() {
  const Result<Item> next = take(left_, Type::boolean);
  // Spelled out, as a bool could be made of an error code too.
  if (!next) return {boost::system::in_place_error, next.error()};
  return next->value == 1;
}

Result<void> Reader::read_null() {
  if (!take_null()) return fail(Errc::malformed);
  return {};
}

bool Reader::take_null() {
  if (left_.empty() || left_.front() != 0xF6) return false;
  left_ = left_.subspan(1);
  return true;
}

Result<std::uint64_t> Reader::read_tag() {
  const Result<Item> next = take(left_, Type::tag);
  if (!next) return next.error();
  return next->value;
}

Result<double> Reader::read_number() {
  const Result<Item> next = decode(left_);
  if (!next) return next.error();
  if (next->type == Type::other) {
    left_ = left_.subspan(next->size);
    return next->number;
  }
  const Result<std::int64_t> integer = read_integer();
  if (!integer) return integer.error();
  return static_cast<double>(*integer);
}

Result<std::size_t> Reader::read_array() {
  BytesView left = left_;
  const Result<Item> next = take(left, Type::array);
  if (!next) return next.error();
  if (next->value > left.size()) return fail(Errc::malformed);
  left_ = left;
  return static_cast<std::size_t>(next->value);
}

Result<std::size_t> Reader::read_map() {
  BytesView left = left_;
  const Result<Item> next = take(left, Type::map);
  if (!next) return next.error();
  if (next->value > left.size() / 2) return fail(Errc::malformed);
  left_ = left;
  return static_cast<std::size_t>(next->value);
}

Result<BytesView> Reader::read_item() {
  BytesView left = left_;
  if (const Result<void> ok = skip(left, 0); !ok) return ok.error();
  const BytesView whole = left_.first(left_.size() - left.size());
  left_ = left;
  return whole;
}

Result<void> Reader::finish() const {
  if (!left_.empty()) return fail(Errc::malformed);
  return {};
}

Result<void> KeySet::add(BytesView encoded_key) {
  const bool inserted = seen_.insert(as_text(encoded_key)).second;
  if (!inserted) return fail(Errc::malformed);
  return {};
}

Writer& Writer::put(std::uint64_t value) {
  put_head(out_, 0, value);
  return *this;
}

Writer& Writer::put_integer(std::int64_t value) {
  if (value >= 0)
    put_head(out_, 0, static_cast<std::uint64_t>(value));
  else
    put_head(out_, 1, static_cast<std::uint64_t>(-(value + 1)));
  return *this;
}

Writer& Writer::put_bytes(BytesView bytes) {
  put_head(out_, 2, bytes.size());
  append(out_, bytes);
  return *this;
}

Writer& Writer::put_text(std::string_view text) {
  put_head(out_, 3, text.size());
  append(out_, view(text));
  return *this;
}

Writer& Writer::put_bool(bool value) {
  out_.push_back(value ? 0xF5 : 0xF4);
  return *this;
}

Writer& Writer::put_null() {
  out_.push_back(0xF6);
  return *this;
}

Writer& Writer::put_array(std::size_t items) {
  put_head(out_, 4, items);
  return *this;
}

Writer& Writer::put_map(std::size_t pairs) {
  put_head(out_, 5, pairs);
  return *this;
}

Writer& Writer::put_item(BytesView encoded) {
  append(out_, encoded);
  return *this;
}

}  // namespace spot::cbor
