// What files of both subtrees keep of their changes, and how all who want them stored share one save.
//
// Thread: a FileState belongs behind its file's lock; save_edits() is for any. Lifetime: the file's.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include <boost/asio/any_io_executor.hpp>

#include "client/base/sync.hpp"
#include "client/net/event.hpp"
#include "client/net/inline_strand.hpp"
#include "fs/index/stamp.hpp"
#include "fs/tree/file.hpp"
#include "fs/tree/finish.hpp"

namespace spotfs::tree {

struct FileState {
  bool detached = false;                // its last name is gone by an act of this mount: nothing is stored any more
  std::uint64_t edits = 0, stored = 0;  // changes by this mount; those of them that are stored
  spotfs::Time modified;                // of the last edit, or as was set since
  Time changed{};                       // of the last edit, as exact as the stamp of its operation will be
  std::size_t uses = 0, writers = 0;
  bool mixed = false;                   // uses began with different contents: the kernel's cache can't tell them apart
  std::shared_ptr<spot::Event> saving;  // a save in progress
  std::error_code failed;               // of a save, until someone is told
  // What the kernel was told.
  std::optional<std::uint64_t> told_size;
  std::optional<Time> told_change;  // ctime; none: it has forgotten it, as it does when it writes
  std::uint64_t contents = 0;       // counts the contents that came from elsewhere
  std::optional<std::uint64_t> told_contents;

  // The answer to an open says what the kernel may still have cached.
  void tell(Opened& opened) {
    opened.direct_io = mixed;
    opened.keep_cache = !mixed && told_contents == contents;
    told_contents = mixed ? std::nullopt : std::optional{contents};
  }
};

// Saves all files of a subtree that are in use: Subtree::flush.
template <class File, class Tree>
asio::awaitable<Result<void>> save_all(std::shared_ptr<Tree> tree) {
  Result<void> first;
  if (!tree) co_return first;
  for (const NodePtr& node : tree->nodes.all()) {
    const auto file = std::dynamic_pointer_cast<File>(node);
    if (!file) continue;
    const Result<void> saved = co_await file->save();
    if (!saved && first) first = saved;
  }
  co_return first;
}
template <class File, class Tree>
std::function<asio::awaitable<Result<void>>()> flush_of(const std::shared_ptr<Tree>& tree) {
  return [weak = std::weak_ptr<Tree>{tree}] { return save_all<File>(weak.lock()); };
}

// What an open with these flags wants to do: R_OK, W_OK.
int wanted_by(int flags) noexcept;

// Returns when all edits of before are stored, or could not be. Nothing edited: a failure that nobody was told of.
// State: a FileState whose has_edit() says whether there is anything to store. store() gives the coroutine that does,
// which goes on when whoever waits is interrupted; over(outcome) is called before those who wait are told. `over` must
// keep the file.
template <class State, class Store, class Over>
asio::awaitable<Result<void>> save_edits(spot::Synchronized<State>& guarded, asio::any_io_executor executor,
                                         Store store, Over over) {
  struct Step {
    std::optional<std::error_code> over;
    std::shared_ptr<spot::Event> saving;
    bool start = false;
  };
  const std::uint64_t target = guarded.with([](const State& state) { return state.edits; });
  bool tried = false;
  for (;;) {
    const Step step = guarded.with([&](State& state) {
      Step next;
      if (state.detached || !state.has_edit() || state.stored >= target || (tried && state.failed)) {
        next.over = std::exchange(state.failed, std::error_code{});
      } else {
        next.start = !state.saving;
        if (next.start) state.saving = std::make_shared<spot::Event>();
        next.saving = state.saving;
      }
      return next;
    });
    if (step.over && *step.over) co_return *step.over;
    if (step.over) co_return Result<void>{};
    if (step.start) {
      spot::spawn_here(executor, store(),
                       [&guarded, over, done = step.saving](const std::exception_ptr& thrown, Result<void> stored) {
                         if (thrown) stored = code_of(thrown);
                         guarded.with([&](State& state) {
                           state.saving.reset();
                           state.failed = stored ? std::error_code{} : stored.error();
                         });
                         over(stored);
                         done->set();
                       });
    }
    const Result<void> waited = co_await spot::Event::wait(step.saving);
    if (!waited) co_return waited.error();
    tried = true;
  }
}

}  // namespace spotfs::tree
