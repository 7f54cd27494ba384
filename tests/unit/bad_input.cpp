#include "tests/unit/bad_input.hpp"

#include <cstdlib>
#include <new>
#include <stdexcept>
#include <utility>

#include "client/bottle/cbor.hpp"

namespace {

thread_local std::size_t allocated = 0;

[[maybe_unused]] void* allocate(std::size_t size) {
  allocated += size;
  if (void* out = std::malloc(size ? size : 1)) return out;
  throw std::bad_alloc{};
}

}  // namespace

// ThreadSanitizer brings its own, and does not let go of them: there nothing is counted, and the limits hold of
// nothing.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SPOT_COUNTS_NOTHING
#endif
#endif

#ifndef SPOT_COUNTS_NOTHING
// Over-aligned types have forms of their own; decoders have none of them.
void* operator new(std::size_t size) { return allocate(size); }
void* operator new[](std::size_t size) { return allocate(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  allocated += size;
  return std::malloc(size ? size : 1);
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }
#endif

namespace spot {

std::size_t allocated_bytes() noexcept { return allocated; }

namespace {

struct Item {
  std::string path;
  std::size_t start = 0, end = 0;  // of the whole item
  std::size_t head_end = 0;        // of its first head
  std::uint8_t major = 0;
  std::uint64_t value = 0;                                 // of its head
  std::vector<std::pair<std::size_t, std::size_t>> pairs;  // of a map
};

// All items of an encoding, those inside each other too.
class Walker {
 public:
  explicit Walker(BytesView bytes) : bytes_{bytes} {
    walk("");
    if (at_ != bytes.size()) throw std::logic_error{"not one item"};
  }
  std::vector<Item> take() { return std::move(items_); }

 private:
  std::uint64_t read_head(std::uint8_t& major) {
    const std::uint8_t initial = bytes_[at_++];
    major = initial >> 5;
    std::uint64_t value = initial & 31;
    if (value < 24) return value;
    const std::size_t size = std::size_t{1} << (value - 24);
    value = 0;
    for (std::size_t i = 0; i < size; ++i) value = value << 8 | bytes_[at_++];
    return value;
  }

  void walk(const std::string& path) {
    Item item;
    item.path = path;
    item.start = at_;
    item.value = read_head(item.major);
    item.head_end = at_;
    const std::size_t place = items_.size();
    items_.emplace_back();
    const std::string below = path.empty() ? "" : path + ".";
    if (item.major == 2 || item.major == 3) at_ += item.value;
    if (item.major == 4)
      for (std::uint64_t i = 0; i < item.value; ++i) walk(below + std::to_string(i));
    if (item.major == 5) {
      for (std::uint64_t i = 0; i < item.value; ++i) {
        const std::size_t pair = at_;
        walk(below + "key" + std::to_string(i));
        walk(below + std::to_string(i));
        item.pairs.emplace_back(pair, at_);
      }
    }
    if (item.major == 6) walk(below + "tagged");
    item.end = at_;
    items_[place] = std::move(item);
  }

  BytesView bytes_;
  std::size_t at_ = 0;
  std::vector<Item> items_;
};

Bytes replace(BytesView whole, std::size_t start, std::size_t end, BytesView by) {
  Bytes out = to_bytes(whole.first(start));
  append(out, by);
  append(out, whole.subspan(end));
  return out;
}

std::string name_of(const Item& item, const std::string& how) {
  return item.path.empty() ? how : item.path + ' ' + how;
}

// A head of this type with an 8-byte length.
Bytes promise(std::uint8_t major, std::uint64_t length) {
  Bytes out{static_cast<std::uint8_t>(major << 5 | 27)};
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(length >> shift));
  return out;
}

Bytes shortest_promise(std::uint8_t major, std::uint32_t length) {
  Bytes out{static_cast<std::uint8_t>(major << 5 | 26)};
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(length >> shift));
  return out;
}

}  // namespace

std::vector<BadInput> truncated(BytesView good) {
  std::vector<BadInput> out;
  for (std::size_t size = 0; size < good.size(); ++size)
    out.push_back({"cut to " + std::to_string(size), to_bytes(good.first(size))});
  for (const std::uint8_t last : Bytes{0x00, 0xF6, 0xFF}) {
    out.push_back({"followed by " + std::to_string(last), to_bytes(good)});
    out.back().bytes.push_back(last);
  }
  return out;
}

std::vector<BadInput> wrong_types(BytesView good) {
  const std::pair<std::string, Bytes> kinds[] = {
      {"unsigned", {0x00}}, {"negative", {0x20}},  {"bytes", {0x40}}, {"text", {0x60}}, {"array", {0x80}},
      {"map", {0xA0}},      {"tag", {0xC0, 0x00}}, {"true", {0xF5}},  {"null", {0xF6}}, {"float", {0xF9, 0x3C, 0x00}}};
  std::vector<BadInput> out;
  for (const Item& item : Walker{good}.take()) {
    for (const auto& [name, encoded] : kinds) {
      const std::uint8_t first = good[item.start];
      const bool same = (first >> 5) == 7 ? first == encoded.front() : (first >> 5) == encoded.front() >> 5;
      if (!same) out.push_back({name_of(item, "as " + name), replace(good, item.start, item.end, encoded)});
    }
  }
  return out;
}

std::vector<BadInput> duplicate_keys(BytesView good) {
  std::vector<BadInput> out;
  for (const Item& item : Walker{good}.take()) {
    if (item.pairs.empty()) continue;
    Bytes head = cbor::Writer{}.put_map(item.pairs.size() + 1).take();
    for (const auto& [start, end] : {item.pairs.front(), item.pairs.back()}) {
      Bytes map = head;
      append(map, good.subspan(item.head_end, item.end - item.head_end));
      append(map, good.subspan(start, end - start));
      out.push_back({name_of(item, "with a key twice"), replace(good, item.start, item.end, map)});
    }
  }
  return out;
}

std::vector<BadInput> nested(BytesView good) {
  constexpr int kDepth = 10'000;
  const std::pair<std::string, Bytes> kinds[] = {
      {"arrays", {0x81}}, {"maps", {0xA1, 0x00}}, {"maps in keys", {0xA1}}, {"tags", {0xC1}}};
  std::vector<BadInput> out;
  for (const Item& item : Walker{good}.take()) {
    for (const auto& [name, opening] : kinds) {
      Bytes deep;
      for (int i = 0; i < kDepth; ++i) append(deep, opening);
      deep.push_back(0x00);
      if (name == "maps in keys") deep.insert(deep.end(), kDepth, 0x00);
      out.push_back({name_of(item, "as deep " + name), replace(good, item.start, item.end, deep)});
    }
  }
  return out;
}

std::vector<BadInput> oversized(BytesView good) {
  std::vector<BadInput> out;
  for (const Item& item : Walker{good}.take()) {
    for (const std::uint8_t major : Bytes{2, 3, 4, 5}) {
      std::vector<Bytes> heads;
      for (const std::uint64_t length : {std::uint64_t{1} << 32, std::uint64_t{1} << 62, ~std::uint64_t{0}})
        heads.push_back(promise(major, length));
      for (const std::uint32_t length : {0x0010'0000u, 0x0800'0000u, 0xFFFF'FFFFu})
        heads.push_back(shortest_promise(major, length));
      for (const Bytes& head : heads) {
        const std::string name = name_of(item, "of type " + std::to_string(major) + " that promises too much");
        out.push_back({name, replace(good, item.start, good.size(), head)});
        out.push_back({name + ", before the rest", replace(good, item.start, item.head_end, head)});
      }
    }
  }
  return out;
}

}  // namespace spot
