#include "fs/tree/disk/dirty_content.hpp"

namespace spotfs::tree {

asio::awaitable<Result<void>> DirtyContent::make_room(std::size_t size) {
  for (;;) {
    const std::shared_ptr<Owner> oldest = state_.with([&](State& state) -> std::shared_ptr<Owner> {
      for (std::size_t tries = state.items.size(); tries != 0 && state.total + size > limit_; --tries) {
        state.items.splice(state.items.end(), state.items, state.items.begin());
        if (auto owner = state.items.back().owner.lock()) return owner;
      }
      return nullptr;
    });
    if (!oldest) co_return Result<void>{};
    const Result<void> shed = co_await oldest->shed();
    if (!shed) co_return shed.error();
  }
}

void DirtyContent::set(const std::shared_ptr<Owner>& owner, std::size_t bytes) {
  state_.with([&](State& state) {
    const auto known = state.places.find(owner.get());
    if (known != state.places.end()) {
      state.total -= known->second->bytes;
      if (bytes == 0) {
        state.items.erase(known->second);
        state.places.erase(known);
      } else {
        known->second->bytes = bytes;
      }
    } else if (bytes != 0) {
      state.places[owner.get()] = state.items.insert(state.items.end(), Item{owner, bytes});
    }
    state.total += bytes;
  });
}

}  // namespace spotfs::tree
