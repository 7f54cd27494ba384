#include "fs/tree/blobs/key_locks.hpp"

namespace spotfs::tree {

asio::awaitable<Result<KeyLocks::Guard>> KeyLocks::lock(std::string key) {
  auto turn = std::make_shared<Turn>();
  const bool free = held_.with([&](auto& held) {
    const auto [at, fresh] = held.try_emplace(key);
    if (!fresh) at->second.push_back(turn);
    return fresh;
  });
  if (!free) {
    const Result<void> waited = co_await Turn::wait(std::move(turn));
    if (!waited) co_return waited.error();
  }
  co_return Guard{this, std::move(key)};
}

void KeyLocks::unlock(const std::string& key) {
  for (;;) {
    const Turn::Pointer next = held_.with([&](auto& held) -> Turn::Pointer {
      const auto at = held.find(key);
      if (at->second.empty()) {
        held.erase(at);
        return nullptr;
      }
      Turn::Pointer first = std::move(at->second.front());
      at->second.pop_front();
      return first;
    });
    if (!next || next->give(Result<void>{})) return;  // who has given up waiting is passed over
  }
}

}  // namespace spotfs::tree
