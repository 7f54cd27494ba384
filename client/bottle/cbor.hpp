// CBOR (RFC 8949) as the project uses it: definite lengths, no duplicate keys, no trailing bytes, bounded.
//
// Reader walks over borrowed bytes without building a tree; every length is checked against what is left before
// anything is allocated. Writer writes the shortest form; the order of map keys is the caller's.
//
// Thread: values. Lifetime: a Reader and the views that it returns borrow the bytes. Errors: malformed.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "client/base/bytes.hpp"
#include "client/base/result.hpp"

namespace spot::cbor {

enum class Type { unsigned_integer, negative_integer, bytes, text, array, map, tag, boolean, null, other };

class Reader {
 public:
  explicit Reader(BytesView bytes) noexcept : left_{bytes} {}

  Result<Type> peek() const;
  bool at_end() const noexcept { return left_.empty(); }
  BytesView left() const noexcept { return left_; }

  Result<std::uint64_t> read_unsigned();
  Result<std::int64_t> read_integer();
  Result<BytesView> read_bytes();
  Result<std::string_view> read_text();  // valid UTF-8
  Result<bool> read_bool();
  Result<void> read_null();
  bool take_null();  // true and consumed if null is next
  Result<std::uint64_t> read_tag();
  Result<double> read_number();      // integer or float
  Result<std::size_t> read_array();  // number of items; never more than the bytes left
  Result<std::size_t> read_map();    // number of pairs; never more than half the bytes left
  // Skips one item, whatever it is, and gives its bytes. Checks nesting (16 levels), definite lengths, UTF-8 and
  // duplicate keys inside.
  Result<BytesView> read_item();
  Result<void> finish() const;  // malformed if bytes are left

 private:
  BytesView left_;
};

// Collects the keys of a map that is being read, and refuses one that comes twice. Keys are compared as encoded bytes.
class KeySet {
 public:
  Result<void> add(BytesView encoded_key);

 private:
  std::set<std::string_view> seen_;  // borrows the bytes that are read
};

class Writer {
 public:
  Writer& put(std::uint64_t value);
  Writer& put_integer(std::int64_t value);
  Writer& put_bytes(BytesView bytes);
  Writer& put_text(std::string_view text);
  Writer& put_bool(bool value);
  Writer& put_null();
  Writer& put_array(std::size_t items);  // the items follow
  Writer& put_map(std::size_t pairs);    // the pairs follow
  Writer& put_item(BytesView encoded);   // as it is

  void reserve(std::size_t size) { out_.reserve(size); }
  const Bytes& bytes() const noexcept { return out_; }
  Bytes take() noexcept { return std::move(out_); }

 private:
  Bytes out_;
};

}  // namespace spot::cbor
