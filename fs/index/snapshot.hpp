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

// A line for who runs the mount.
std::string describe_lost(const BlobId& node);

bool is_newer(const std::optional<Snapshot>& one, const std::optional<Snapshot>& other) noexcept;

// A snapshot that was read from the store: the nodes above its leaves, the last leaves, and the one that has the root.
// All others are gaps.
struct LoadedSnapshot {
  SnapshotBase tree;
  State state;
  Included included;
  std::shared_ptr<const TreeShape> shape;
  // Of the one that it was made from; nothing where that can't be had.
  Included base;
  std::shared_ptr<const TreeShape> base_shape;
};

// Takes what was read of the nodes that a state lacks.
struct GapFiller {
  std::function<Result<void>(const BlobId& node, const spot::Sha256& hash, State::Contents contents)> fill;
  std::function<void(const BlobId& node, std::error_code why)> lose;  // it can't be had, by the word of the store
};

// For a State or a History, which outlives it.
template <class Target>
GapFiller filler_of(Target& target) {
  GapFiller out;
  out.fill = [&target](const BlobId& node, const spot::Sha256& hash, State::Contents contents) {
    return target.fill(node, hash, std::move(contents));
  };
  out.lose = [&target](const BlobId& node, std::error_code why) { target.lose(node, why); };
  return out;
}

// What comes of work that may need to read nodes first: what the work itself gives, or that they could not be had.
template <class T>
struct AfterReading {
  using Type = Answer<T>;
  static Failure error(Failure failure) { return failure; }
};
template <class T>
struct AfterReading<Answer<T>> : AfterReading<T> {};
template <class T>
struct AfterReading<Result<T>> {
  using Type = Result<T>;
  static std::error_code error(const Failure& failure) { return failure.code; }
};

// Is told of nodes before they are stored; an error ends the writing.
using NodesFunction = std::function<Answer<void>(const std::vector<BlobId>& fresh)>;

class SnapshotStore {
 public:
  SnapshotStore(asio::any_io_executor executor, std::shared_ptr<const SealedStore> store, const StateOptions& options,
                const NodeSizes& sizes = {})
      : executor_{std::move(executor)}, store_{std::move(store)}, options_{options}, sizes_{sizes} {}

  asio::awaitable<Answer<LoadedSnapshot>> read(Snapshot snapshot) const;

  // The nodes that it has, without reading its leaves.
  asio::awaitable<Answer<TreeShape>> read_shape(SnapshotBase tree) const;

  // Reads leaves, and gives them to `filler`, which is called by the caller's coroutine alone. An error: the store
  // could not be asked.
  asio::awaitable<Answer<void>> read_leaves(std::set<BlobId> leaves, GapFiller filler) const;

  // Does `work` as soon as nothing that it needs is unread, and may begin it more than once. An error, too, where what
  // it needs can't be had. Both live until it is done.
  template <class Work>
  asio::awaitable<typename AfterReading<std::invoke_result_t<const Work&>>::Type> read_for(
      const Work& work, const GapFiller& filler) const {
    using After = AfterReading<std::invoke_result_t<const Work&>>;
    for (;;) {
      auto tried = attempt(work);
      if (tried.done) co_return std::move(*tried.done);
      if (tried.unread.empty()) co_return After::error(Failure{tried.why});
      const Answer<void> read = co_await read_leaves(std::move(tried.unread), filler);
      if (!read) co_return After::error(read.error());
    }
  }

  // The contents that the inodes of some leaves have.
  asio::awaitable<Answer<std::vector<Reference>>> read_references(std::vector<BlobId> leaves) const;

  // Over `old`: only what differs is stored.
  asio::awaitable<Answer<TreeShape>> write(std::shared_ptr<const Frozen> frozen, std::shared_ptr<const TreeShape> old,
                                           NodesFunction fresh) const;

 private:
  struct Runs {
    Included included;
    TreeShape shape;
  };
  asio::awaitable<Answer<Runs>> read_runs(SnapshotBase tree) const;
  using ItemFunction = std::function<std::pair<Bytes, Bytes>(std::size_t number)>;  // key, value
  asio::awaitable<Answer<std::vector<NodeRef>>> write_level(std::uint64_t height, std::span<const NodeRef> old,
                                                            std::size_t count, ItemFunction item,
                                                            NodesFunction fresh) const;
  // Leaves that are left out, and other nodes that can't be had, become gaps; without `gaps` that is an error.
  asio::awaitable<Answer<TreeShape>> read_tree(SnapshotBase tree, ItemVisitor leaf, Gaps* gaps) const;
  struct Fetched {
    std::vector<Bytes> plaintexts;
    std::vector<std::error_code> whys;  // the store's word that they can't be had
  };
  asio::awaitable<Answer<Fetched>> fetch(std::vector<BlobId> nodes) const;

  asio::any_io_executor executor_;
  std::shared_ptr<const SealedStore> store_;
  StateOptions options_;
  NodeSizes sizes_;  // of what it writes
};

}  // namespace spotfs
