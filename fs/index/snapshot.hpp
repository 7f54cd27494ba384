// Snapshots: the state after many operations as a tree in the store, so that nobody needs to read and apply them again.
//
// Thread: any; coroutines run on their caller's executor, their fetches and stores on `executor`.
// Errors: those of the store; malformed for a tree that no state can have made, with the key of the node as text.
// Source: files.md, "State", "Snapshot"; the newest one counts, by generation and then stamp.
#pragma once

#include <functional>
#include <memory>

#include <boost/asio/any_io_executor.hpp>

#include "fs/index/btree.hpp"
#include "fs/index/frozen.hpp"
#include "fs/index/head.hpp"
#include "fs/index/sealed_store.hpp"

namespace spotfs {

bool is_newer(const std::optional<Snapshot>& one, const std::optional<Snapshot>& other) noexcept;

// A snapshot that was read from the store.
struct LoadedSnapshot {
  SnapshotBase tree;
  State state;
  Included included;
  std::shared_ptr<const TreeShape> shape;
  // Of the one that it was made from; nothing where that can't be had.
  Included base;
  std::shared_ptr<const TreeShape> base_shape;
};

// Is told of nodes before they are stored; an error ends the writing.
using NodesFunction = std::function<Answer<void>(const std::vector<BlobId>& fresh)>;

class SnapshotStore {
 public:
  SnapshotStore(asio::any_io_executor executor, std::shared_ptr<const SealedStore> store, const StateOptions& options)
      : executor_{std::move(executor)}, store_{std::move(store)}, options_{options} {}

  asio::awaitable<Answer<LoadedSnapshot>> read(Snapshot snapshot) const;

  // The nodes that it has, without reading its leaves.
  asio::awaitable<Answer<TreeShape>> read_shape(SnapshotBase tree) const;

  // The contents that the inodes of some leaves have.
  asio::awaitable<Answer<std::vector<Reference>>> read_references(std::vector<BlobId> leaves) const;

  // Over `old`: only what differs is stored.
  asio::awaitable<Answer<TreeShape>> write(std::shared_ptr<const Frozen> frozen, std::shared_ptr<const TreeShape> old,
                                           NodesFunction fresh) const;

 private:
  enum class Leaves { all, those_with_runs };
  struct Runs {
    Included included;
    TreeShape shape;
  };
  asio::awaitable<Answer<Runs>> read_runs(SnapshotBase tree) const;
  using ItemFunction = std::function<std::pair<Bytes, Bytes>(std::size_t number)>;  // key, value
  asio::awaitable<Answer<std::vector<NodeRef>>> write_level(std::uint64_t height, std::span<const NodeRef> old,
                                                            std::size_t count, ItemFunction item,
                                                            NodesFunction fresh) const;
  asio::awaitable<Answer<TreeShape>> read_tree(SnapshotBase tree, ItemVisitor leaf, Leaves leaves) const;
  asio::awaitable<Answer<std::vector<Bytes>>> fetch(std::vector<BlobId> nodes) const;

  asio::any_io_executor executor_;
  std::shared_ptr<const SealedStore> store_;
  StateOptions options_;
};

}  // namespace spotfs
