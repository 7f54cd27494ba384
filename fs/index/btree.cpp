#include "fs/index/btree.hpp"

#include <algorithm>

#include "client/bottle/cbor.hpp"

namespace spotfs {

using spot::fail;

namespace {

namespace cbor = spot::cbor;

constexpr std::size_t kItemHead = 4;  // bytes of an item's array and of its key's length, at most
constexpr std::size_t kNodeHead = 6;  // of a node's array and its height, at most

bool is_before(BytesView one, BytesView other) noexcept { return std::ranges::lexicographical_compare(one, other); }

}  // namespace

std::set<BlobId> TreeShape::ids() const {
  std::set<BlobId> out;
  for (const std::vector<NodeRef>& level : levels) {
    for (const NodeRef& node : level) out.insert(node.id);
  }
  return out;
}

TreeShape with_hashes(TreeShape shape, const std::map<BlobId, spot::Sha256>& hashes) {
  for (std::vector<NodeRef>& level : shape.levels) {
    for (NodeRef& node : level) {
      if (const auto read = hashes.find(node.id); read != hashes.end()) node.hash = read->second;
    }
  }
  return shape;
}

// --- Writing ---------------------------------------------------------------------------------------------------------

std::size_t LevelWriter::Item::size() const noexcept { return kItemHead + key.size() + value.size(); }

void LevelWriter::add(BytesView key, BytesView value) {
  // A range begins where the old node did; what comes before the first one belongs to it too.
  while (passed_ < old_.size() && (passed_ == 0 || !is_before(key, old_[passed_].first))) {
    if (passed_ != 0) close();
    present_.old = &old_[passed_++];
  }
  Item item{spot::to_bytes(key), spot::to_bytes(value)};
  present_.size += item.size();
  present_.items.push_back(std::move(item));
  if (present_.size > sizes_.most - kNodeHead) cut(present_);
}

// The first part of a group that is too large for a node becomes one of its own, with what came before it.
void LevelWriter::cut(Group& group) {
  Group part;
  auto end = group.items.begin();
  while (end != group.items.end() && part.size + end->size() <= sizes_.full) part.size += (end++)->size();
  if (end == group.items.begin()) part.size += (end++)->size();
  part.items.assign(std::move_iterator{group.items.begin()}, std::move_iterator{end});
  group.items.erase(group.items.begin(), end);
  group.size -= part.size;
  group.old = nullptr;
  if (&group == &present_) {
    std::swap(part, present_);
    close();
    present_ = std::move(part);
  } else {
    write(part);
  }
}

void LevelWriter::close() {
  Group group = std::exchange(present_, {});
  if (group.items.empty()) return;
  if (!before_.items.empty() && (before_.size < sizes_.least || group.size < sizes_.least)) {
    std::ranges::move(group.items, std::back_inserter(before_.items));
    before_.size += group.size;
    before_.old = nullptr;
    if (before_.size > sizes_.most - kNodeHead) cut(before_);
    return;
  }
  if (!before_.items.empty()) write(before_);
  before_ = std::move(group);
}

void LevelWriter::finish() {
  close();
  if (!before_.items.empty()) write(std::exchange(before_, {}));
}

void LevelWriter::write(const Group& group) {
  cbor::Writer writer;
  writer.reserve(group.size + kNodeHead);
  writer.put_array(group.items.size() + 1).put(height_);
  for (const Item& item : group.items) writer.put_array(2).put_bytes(item.key).put_item(item.value);
  Bytes plaintext = writer.take();
  Written& out = written_.emplace_back();
  out.node.first = group.items.front().key;
  out.node.hash = spot::sha256(plaintext);
  if (group.old && group.old->hash == out.node.hash) {
    out.node.id = group.old->id;
  } else {
    out.node.id = spot::random_array<16>();
    out.fresh = std::move(plaintext);
  }
}

std::optional<LevelWriter::Written> LevelWriter::next() {
  if (written_.empty()) return std::nullopt;
  Written out = std::move(written_.front());
  written_.pop_front();
  return out;
}

// --- Reading ---------------------------------------------------------------------------------------------------------

Result<void> read_node(BytesView plaintext, std::uint64_t height, std::optional<BytesView> first,
                       const ItemVisitor& visit) {
  cbor::Reader reader{plaintext};
  const Result<std::size_t> items = reader.read_array();
  if (!items || *items < 2) return fail(Errc::malformed);
  const Result<std::uint64_t> own_height = reader.read_unsigned();
  if (!own_height || *own_height != height) return fail(Errc::malformed);
  BytesView last;
  for (std::size_t i = 1; i < *items; ++i) {
    const Result<std::size_t> pair = reader.read_array();
    if (!pair || *pair != 2) return fail(Errc::malformed);
    const Result<BytesView> key = reader.read_bytes();
    if (!key) return key.error();
    const bool fits = i == 1 ? !first || spot::equal(*key, *first) : is_before(last, *key);
    if (!fits) return fail(Errc::malformed);
    last = *key;
    const Result<BytesView> value = reader.read_item();
    if (!value) return value.error();
    if (const Result<void> visited = visit(*key, *value); !visited) return visited;
  }
  return reader.finish();
}

Bytes encode_child(const BlobId& id) {
  cbor::Writer writer;
  writer.put_bytes(id);
  return writer.take();
}

Result<BlobId> decode_child(BytesView value) {
  cbor::Reader reader{value};
  const Result<BytesView> bytes = reader.read_bytes();
  BlobId out;
  if (!bytes || bytes->size() != out.size() || !reader.at_end()) return fail(Errc::malformed);
  std::ranges::copy(*bytes, out.begin());
  return out;
}

}  // namespace spotfs
