#include "fs/index/snapshot.hpp"

#include <algorithm>
#include <tuple>

#include "fs/content/check.hpp"
#include "fs/index/state_keys.hpp"
#include "fs/store/at_once.hpp"

namespace spotfs {

using spot::fail;

namespace {

constexpr std::size_t kAtOnce = 16;  // nodes under way
constexpr std::size_t kBatch = 64;   // nodes in memory
constexpr std::size_t kMaxNodes = std::size_t{1} << 22;

Bytes value_of(const InodeId& id) {
  cbor::Writer out;
  encode(out, id);
  return out.take();
}

Bytes value_of(const InodeId& id, const Inode& inode, const StateOptions& options) {
  cbor::Writer out;
  if (!is_fixed(id)) {
    encode(out, inode);
    return out.take();
  }
  // Whoever mounts has the fixed directories, until a set says otherwise.
  Inode fixed = inode;
  if (fixed.uid == options.uid) fixed.uid = 0;
  if (fixed.gid == options.gid) fixed.gid = 0;
  encode(out, fixed);
  return out.take();
}

// One after the other, in the order of keys.
std::pair<Bytes, Bytes> item_of(const Frozen& frozen, const StateOptions& options, std::size_t number) {
  const auto& [names, inodes] = frozen.contents;
  if (number < names.size()) {
    const auto& [place, id] = names[number];
    return {name_key(place.directory, place.name), value_of(id)};
  }
  number -= names.size();
  if (number < inodes.size()) {
    const auto& [id, inode] = inodes[number];
    return {inode_key(id), value_of(id, *inode, options)};
  }
  const auto& [run, last] =
      *std::next(frozen.included.runs().begin(), static_cast<std::ptrdiff_t>(number - inodes.size()));
  return {run_key(run), value_of(last)};
}

// Takes the items of leaves.
class Thawing {
 public:
  explicit Thawing(const StateOptions& options) : options_{options} {}

  Result<void> add(BytesView key, BytesView value) {
    const BytesView rest = key.subspan(1);
    cbor::Reader reader{value};
    const bool fits = key[0] == kNameKey    ? add_name(rest, reader)
                      : key[0] == kInodeKey ? add_inode(rest, reader)
                      : key[0] == kRunKey   ? add_run(rest, reader)
                                            : false;
    if (!fits || !reader.at_end()) return fail(Errc::malformed);
    return {};
  }
  Frozen take() { return std::move(frozen_); }

 private:
  static std::optional<Stamp> stamp_of(BytesView bytes) {
    Stamp out;
    if (bytes.size() != out.bytes.size()) return std::nullopt;
    std::ranges::copy(bytes, out.bytes.begin());
    return out;
  }
  bool add_name(BytesView key, cbor::Reader& value) {
    constexpr std::size_t id_size = sizeof(Stamp::bytes);
    if (key.size() <= id_size) return false;
    std::string name{spot::as_text(key.subspan(id_size))};
    const Result<InodeId> id = decode_stamp(value);
    if (!id || !is_name(name)) return false;
    frozen_.contents.names.emplace_back(Place{*stamp_of(key.first(id_size)), std::move(name)}, *id);
    return true;
  }
  bool add_inode(BytesView key, cbor::Reader& value) {
    const std::optional<InodeId> id = stamp_of(key);
    Result<Inode> inode = decode_inode(value);
    if (!id || !inode) return false;
    if (is_fixed(*id)) {
      if (inode->uid == 0) inode->uid = options_.uid;
      if (inode->gid == 0) inode->gid = options_.gid;
    }
    frozen_.contents.inodes.emplace_back(*id, std::make_shared<Inode>(std::move(*inode)));
    return true;
  }
  bool add_run(BytesView key, cbor::Reader& value) {
    const Result<Stamp> last = decode_stamp(value);
    if (!last || !spot::equal(key, last->run())) return false;
    frozen_.included.add(*last);
    return true;
  }

  StateOptions options_;
  Frozen frozen_;
};

// The first leaf that may hold keys of runs, which are the last in a tree.
std::size_t first_with_runs(const std::vector<NodeRef>& leaves) {
  const auto begins_with_runs = [](const NodeRef& leaf) { return !leaf.first.empty() && leaf.first[0] >= kRunKey; };
  const auto at = static_cast<std::size_t>(std::ranges::find_if(leaves, begins_with_runs) - leaves.begin());
  return at == 0 ? 0 : at - 1;
}

// What whoever needs something below such a node gets.
std::error_code as_lost(std::error_code why) {
  return why == make_error_code(Errc::not_found) ? make_error_code(Errc::remote_error) : why;
}

}  // namespace

std::string describe_lost(const BlobId& node) {
  return "a part of the newest snapshot can't be read: " + content_key(node) +
         " (spotfsctl fsck names what is missing for it)";
}

bool is_newer(const std::optional<Snapshot>& one, const std::optional<Snapshot>& other) noexcept {
  if (!one || !other) return one.has_value();
  return std::tie(one->tree.generation, one->tree.stamp) > std::tie(other->tree.generation, other->tree.stamp);
}

// --- Reading ---------------------------------------------------------------------------------------------------------

asio::awaitable<Answer<SnapshotStore::Fetched>> SnapshotStore::fetch(std::vector<BlobId> nodes) const {
  const std::size_t count = nodes.size();
  const auto out = std::make_shared<Fetched>();
  out->plaintexts.resize(count);
  out->whys.resize(count);
  const Work work = [out, store = store_, ids = std::move(nodes)](std::size_t number) -> asio::awaitable<Answer<void>> {
    Answer<Bytes> node = co_await store->fetch_content(ContentKind::tree, ids[number]);
    if (node) {
      out->plaintexts[number] = std::move(*node);
    } else if (cannot_be_had(node.error().code)) {
      out->whys[number] = node.error().code;
    } else {
      co_return node.error();
    }
    co_return Answer<void>{};
  };
  const Answer<void> done = co_await do_at_once(executor_, count, kAtOnce, work);
  if (!done) co_return done.error();
  co_return std::move(*out);
}

asio::awaitable<Answer<TreeShape>> SnapshotStore::read_tree(SnapshotBase tree, ItemVisitor leaf, Gaps* gaps) const {
  TreeShape shape;
  if (tree.height > kMaxHeight) co_return Failure{Errc::malformed, content_key(tree.root)};
  shape.levels.resize(tree.height + 1);
  shape.levels.back().push_back(NodeRef{{}, tree.root, {}});
  std::set<BlobId> known{tree.root};
  for (std::uint64_t height = tree.height + 1; height-- > 0;) {
    std::vector<NodeRef>& nodes = shape.levels[height];
    std::vector<NodeRef> below;
    Bytes last;  // key of the level
    const std::size_t read_from = height == 0 ? first_with_runs(nodes) : 0;
    for (std::size_t i = 0; gaps && i < read_from; ++i)
      gaps->add(nodes[i].first, {nodes[i + 1].first, nodes[i].id, {}});
    for (std::size_t begin = read_from; begin < nodes.size(); begin += kBatch) {
      const std::size_t end = std::min(nodes.size(), begin + kBatch);
      std::vector<BlobId> ids;
      for (std::size_t i = begin; i < end; ++i) ids.push_back(nodes[i].id);
      const Answer<Fetched> fetched = co_await fetch(std::move(ids));
      if (!fetched) co_return fetched.error();
      for (std::size_t i = begin; i < end; ++i) {
        NodeRef& node = nodes[i];
        if (const std::error_code why = fetched->whys[i - begin]) {
          // The runs, which are the last, must be known.
          if (!gaps || height == 0 || i + 1 == nodes.size()) co_return Failure{why, content_key(node.id)};
          gaps->add(node.first, {nodes[i + 1].first, node.id, as_lost(why)});
          shape.is_whole = false;
          continue;
        }
        const Bytes& plaintext = fetched->plaintexts[i - begin];
        node.hash = spot::sha256(plaintext);
        const auto visit = [&](BytesView key, BytesView value) -> Result<void> {
          if (key.empty() || !std::ranges::lexicographical_compare(last, key)) return fail(Errc::malformed);
          last = spot::to_bytes(key);
          if (node.first.empty()) node.first = last;
          if (height == 0) return leaf(key, value);
          const Result<BlobId> child = decode_child(value);
          if (!child || below.size() == kMaxNodes || !known.insert(*child).second) return fail(Errc::malformed);
          below.push_back(NodeRef{last, *child, {}});
          return {};
        };
        const auto first = node.first.empty() ? std::nullopt : std::optional<BytesView>{node.first};
        const Result<void> read = read_node(plaintext, height, first, visit);
        if (!read) co_return Failure{read.error(), content_key(node.id)};
      }
    }
    if (height == 0) break;
    shape.levels[height - 1] = std::move(below);
  }
  co_return shape;
}

asio::awaitable<Answer<LoadedSnapshot>> SnapshotStore::read(Snapshot snapshot) const {
  const auto thawing = std::make_shared<Thawing>(options_);
  const ItemVisitor leaf = [thawing](BytesView key, BytesView value) { return thawing->add(key, value); };
  Gaps gaps;
  Answer<TreeShape> shape = co_await read_tree(snapshot.tree, leaf, &gaps);
  if (!shape) co_return shape.error();
  Runs base;
  if (snapshot.base) {
    Answer<Runs> read = co_await read_runs(*snapshot.base);
    if (read) base = std::move(*read);
  }
  Frozen frozen = thawing->take();
  Result<State> state = State::of(options_, std::move(frozen.contents), std::move(gaps));
  if (!state) co_return Failure{state.error(), content_key(snapshot.tree.root)};
  // Who lists the directory above the mount must not wait for the network.
  const auto root = [&] { return state->inode(kRoot); };
  const GapFiller filler = filler_of(*state);
  const Result<InodePtr> read = co_await read_for(root, filler);
  if (!read) co_return Failure{read.error(), content_key(snapshot.tree.root)};
  co_return LoadedSnapshot{snapshot.tree,
                           std::move(*state),
                           std::move(frozen.included),
                           std::make_shared<const TreeShape>(std::move(*shape)),
                           std::move(base.included),
                           std::make_shared<const TreeShape>(std::move(base.shape))};
}

asio::awaitable<Answer<void>> SnapshotStore::read_leaves(std::set<BlobId> leaves, GapFiller filler) const {
  const std::vector<BlobId> ids{leaves.begin(), leaves.end()};
  for (std::size_t begin = 0; begin < ids.size(); begin += kBatch) {
    const std::size_t end = std::min(ids.size(), begin + kBatch);
    std::vector<BlobId> some{ids.begin() + static_cast<std::ptrdiff_t>(begin),
                             ids.begin() + static_cast<std::ptrdiff_t>(end)};
    const Answer<Fetched> fetched = co_await fetch(std::move(some));
    if (!fetched) co_return fetched.error();
    for (std::size_t i = begin; i < end; ++i) {
      const Bytes& plaintext = fetched->plaintexts[i - begin];
      std::error_code why = fetched->whys[i - begin];
      if (!why) {
        Thawing thawing{options_};
        const ItemVisitor add = [&](BytesView key, BytesView value) -> Result<void> {
          if (key.empty() || key[0] == kRunKey) return fail(Errc::malformed);
          return thawing.add(key, value);
        };
        Result<void> read = read_node(plaintext, 0, std::nullopt, add);
        if (read) read = filler.fill(ids[i], spot::sha256(plaintext), thawing.take().contents);
        if (!read) why = read.error();
      }
      if (why) filler.lose(ids[i], as_lost(why));
    }
  }
  co_return Answer<void>{};
}

asio::awaitable<Answer<SnapshotStore::Runs>> SnapshotStore::read_runs(SnapshotBase tree) const {
  const auto thawing = std::make_shared<Thawing>(options_);
  const ItemVisitor leaf = [thawing](BytesView key, BytesView value) -> Result<void> {
    if (key[0] != kRunKey) return {};
    return thawing->add(key, value);
  };
  Answer<TreeShape> shape = co_await read_tree(tree, leaf, nullptr);
  if (!shape) co_return shape.error();
  co_return Runs{thawing->take().included, std::move(*shape)};
}

asio::awaitable<Answer<TreeShape>> SnapshotStore::read_shape(SnapshotBase tree) const {
  Answer<Runs> read = co_await read_runs(tree);
  if (!read) co_return read.error();
  co_return std::move(read->shape);
}

asio::awaitable<Answer<std::vector<Reference>>> SnapshotStore::read_references(std::vector<BlobId> leaves) const {
  std::vector<Reference> out;
  const ItemVisitor visit = [&out](BytesView key, BytesView value) -> Result<void> {
    if (key.empty() || key[0] != kInodeKey) return {};
    cbor::Reader reader{value};
    const Result<Inode> inode = decode_inode(reader);
    if (!inode) return inode.error();
    if (inode->reference) out.push_back(*inode->reference);
    return {};
  };
  const Answer<Fetched> nodes = co_await fetch(leaves);
  if (!nodes) co_return nodes.error();
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    if (const std::error_code why = nodes->whys[i]) co_return Failure{why, content_key(leaves[i])};
    const Result<void> read = read_node(nodes->plaintexts[i], 0, std::nullopt, visit);
    if (!read) co_return Failure{read.error(), content_key(leaves[i])};
  }
  co_return out;
}

// --- Writing ---------------------------------------------------------------------------------------------------------

asio::awaitable<Answer<std::vector<NodeRef>>> SnapshotStore::write_level(std::uint64_t height,
                                                                         std::span<const NodeRef> old,
                                                                         std::size_t count, ItemFunction item,
                                                                         NodesFunction fresh) const {
  std::vector<NodeRef> nodes;
  LevelWriter writer{height, old, sizes_};
  for (std::size_t i = 0; i < count;) {
    const auto batch = std::make_shared<std::vector<std::pair<BlobId, Bytes>>>();
    while (i < count && batch->size() < kBatch) {
      const auto [key, value] = item(i);
      writer.add(key, value);
      if (++i == count) writer.finish();
      while (std::optional<LevelWriter::Written> written = writer.next()) {
        if (!written->fresh.empty()) batch->emplace_back(written->node.id, std::move(written->fresh));
        nodes.push_back(std::move(written->node));
      }
    }
    std::vector<BlobId> ids;
    for (const auto& [id, plaintext] : *batch) ids.push_back(id);
    if (const Answer<void> told = fresh(ids); !told) co_return told.error();
    const Work work = [batch, store = store_](std::size_t number) {
      auto& [id, plaintext] = (*batch)[number];
      return store->store_content(ContentKind::tree, id, std::move(plaintext));
    };
    const Answer<void> stored = co_await do_at_once(executor_, batch->size(), kAtOnce, work);
    if (!stored) co_return stored.error();
  }
  co_return nodes;
}

asio::awaitable<Answer<TreeShape>> SnapshotStore::write(std::shared_ptr<const Frozen> frozen,
                                                        std::shared_ptr<const TreeShape> old,
                                                        NodesFunction fresh) const {
  std::size_t count = frozen->contents.names.size() + frozen->contents.inodes.size() + frozen->included.runs().size();
  ItemFunction item = [frozen, options = options_](std::size_t number) { return item_of(*frozen, options, number); };
  TreeShape out;
  do {
    const std::uint64_t height = out.levels.size();
    Answer<std::vector<NodeRef>> nodes = co_await write_level(height, old->level(height), count, item, fresh);
    if (!nodes) co_return nodes.error();
    const auto below = std::make_shared<const std::vector<NodeRef>>(*nodes);
    out.levels.push_back(std::move(*nodes));
    count = below->size();
    item = [below](std::size_t number) { return std::pair{(*below)[number].first, encode_child((*below)[number].id)}; };
  } while (count > 1);
  co_return out;
}

}  // namespace spotfs
