// The content that is not stored yet, of all files of a mount: when there is too much of it, writers wait until some
// is.
//
// Thread: any. Lifetime: shared by the subtrees; keeps none of the files. Its lock is the last to be taken.
#pragma once

#include <list>
#include <map>
#include <memory>

#include <boost/asio/awaitable.hpp>

#include "client/base/sync.hpp"
#include "fs/tree/attributes.hpp"

namespace spotfs::tree {

namespace asio = boost::asio;

// files.md allows 64 MiB; writers are as fast with 16, and the mount is 70 MiB smaller.
inline constexpr std::size_t kDirtyLimit = std::size_t{16} << 20;

class DirtyContent {
 public:
  // A file that has some.
  class Owner {
   public:
    virtual ~Owner() = default;
    // Stores some of it, and returns when less is left.
    virtual asio::awaitable<Result<void>> shed() = 0;
  };

  explicit DirtyContent(std::size_t limit = kDirtyLimit) : limit_{limit} {}

  // Errors: those of a store that was needed to make room.
  asio::awaitable<Result<void>> make_room(std::size_t size);
  // So many bytes of this owner are dirty now; 0: it is clean, and forgotten.
  void set(const std::shared_ptr<Owner>& owner, std::size_t bytes);
  std::size_t total() const {
    return state_.with([](const State& state) { return state.total; });
  }

 private:
  struct Item {
    std::weak_ptr<Owner> owner;
    std::size_t bytes = 0;
  };
  struct State {
    std::list<Item> items;  // the oldest first
    std::map<const Owner*, std::list<Item>::iterator> places;
    std::size_t total = 0;
  };

  const std::size_t limit_;
  spot::Synchronized<State> state_;
};

}  // namespace spotfs::tree
