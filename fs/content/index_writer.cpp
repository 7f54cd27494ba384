#include "fs/content/index_writer.hpp"

namespace spotfs {
namespace {

class IndexWriter {
 public:
  IndexWriter(std::shared_ptr<ContentStore> store, ChangedContent content, std::vector<BlobId>& made)
      : store_{std::move(store)}, content_{std::move(content)}, made_{made} {}

  asio::awaitable<Answer<Reference>> run() {
    Reference out;
    out.size = content_.size;
    out.level = level_for(content_.size);
    ChangedIds changed = std::move(content_.chunks);
    for (std::uint8_t level = 1; level <= out.level; ++level) {
      Answer<ChangedIds> above = co_await raise(level, changed, level == out.level);
      if (!above) co_return above.error();
      changed = *std::move(above);
    }
    BlobId root{};
    if (const auto there = changed.find(0); there != changed.end()) {
      root = there->second;
    } else {
      const Answer<BlobId> same = co_await content_.base.find(out.level, 0);
      if (!same) co_return same.error();
      root = *same;
    }
    if (root == kHole) {
      Bytes nothing(chunk_length(out.size, 0));
      const Answer<BlobId> zeros = co_await store(ContentKind::data, std::move(nothing));
      if (!zeros) co_return zeros.error();
      root = *zeros;
    }
    out.id = root;
    co_return out;
  }

 private:
  // Nodes of `level` that differ from the base's, for children that do.
  asio::awaitable<Answer<ChangedIds>> raise(std::uint8_t level, const ChangedIds& children, bool is_root) {
    std::map<std::uint64_t, std::vector<std::pair<std::size_t, BlobId>>> nodes;
    // Where the base ends, it may have had other children, or fewer.
    if (content_.kept != 0) nodes[(chunk_count(content_.kept) - 1) / chunks_below(level)];
    if (is_root) nodes[0];
    for (const auto& [position, id] : children) {
      nodes[position / kIndexFanOut].emplace_back(static_cast<std::size_t>(position % kIndexFanOut), id);
    }
    ChangedIds out;
    for (const auto& [position, changes] : nodes) {
      const Answer<std::vector<BlobId>> before = co_await content_.base.index(level, position);
      if (!before) co_return before.error();
      const Answer<std::vector<BlobId>> kept = co_await kept_children(level, position, *before);
      if (!kept) co_return kept.error();
      std::vector<BlobId> ids = *kept;
      for (const auto& [child, id] : changes) ids[child] = id;
      if (ids == *before) {
        // Cut off, and put there again: the node above takes over no more of the base than what is kept.
        const Answer<BlobId> same = co_await content_.base.find(level, position);
        if (!same) co_return same.error();
        out[position] = *same;
        continue;
      }
      if (!is_root && std::ranges::all_of(ids, [](const BlobId& id) { return id == kHole; })) {
        out[position] = kHole;
        continue;
      }
      Bytes bytes;
      bytes.reserve(ids.size() * sizeof(BlobId));
      for (const BlobId& id : ids) bytes.insert(bytes.end(), id.begin(), id.end());
      const Answer<BlobId> stored = co_await store(ContentKind::index, std::move(bytes));
      if (!stored) co_return stored.error();
      out[position] = *stored;
    }
    co_return out;
  }

  // Of a node as long as it is now: what the base has there and still counts.
  asio::awaitable<Answer<std::vector<BlobId>>> kept_children(std::uint8_t level, std::uint64_t position,
                                                             const std::vector<BlobId>& before) {
    std::vector<BlobId> ids(index_length(content_.size, level, position));
    const std::size_t count = index_length(content_.kept, level, position);
    if (level == content_.base_level + 1 && position == 0 && count != 0) {
      // The base is a single child of this.
      const Answer<BlobId> root = co_await content_.base.find(content_.base_level, 0);
      if (!root) co_return root.error();
      ids[0] = *root;
    }
    std::copy_n(before.begin(), std::min(count, before.size()), ids.begin());
    co_return ids;
  }

  asio::awaitable<Answer<BlobId>> store(ContentKind kind, Bytes bytes) {
    const Answer<BlobId> id = co_await store_->store(kind, std::make_shared<const Bytes>(std::move(bytes)));
    if (id) made_.push_back(*id);
    co_return id;
  }

  const std::shared_ptr<ContentStore> store_;
  ChangedContent content_;
  std::vector<BlobId>& made_;
};

}  // namespace

asio::awaitable<Answer<Reference>> write_indexes(std::shared_ptr<ContentStore> store, ChangedContent content,
                                                 std::vector<BlobId>& made) {
  IndexWriter writer{std::move(store), std::move(content), made};
  co_return co_await writer.run();
}

}  // namespace spotfs
