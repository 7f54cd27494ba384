#include "fs/content/collect.hpp"

namespace spotfs {
namespace {

class Collector {
 public:
  Collector(std::shared_ptr<ContentStore> store, const Reference& old, const std::optional<Reference>& now)
      : store_{std::move(store)}, old_{store_, old}, now_{store_, now} {}

  // Node `position` of `level`, with all below it. `id`: of the old content.
  asio::awaitable<Answer<void>> erase(std::uint8_t level, std::uint64_t position, BlobId id) {
    if (id == kHole) co_return Answer<void>{};
    const Answer<BlobId> now = co_await now_.find(level, position);
    if (!now) co_return now.error();
    if (*now == id) co_return Answer<void>{};
    if (level > 0) {
      const Answer<void> below = co_await erase_children(level, position);
      if (!below) co_return below;
    }
    std::vector<BlobId> one{id};
    co_return co_await store_->erase(std::move(one));
  }

 private:
  asio::awaitable<Answer<void>> erase_children(std::uint8_t level, std::uint64_t position) {
    const Answer<std::vector<BlobId>> old = co_await old_.index(level, position);
    if (!old && old.error().code == Errc::not_found) co_return Answer<void>{};
    if (!old) co_return old.error();
    const auto child_level = static_cast<std::uint8_t>(level - 1);
    const std::uint64_t first = position * kIndexFanOut;
    if (child_level > 0) {
      for (std::size_t i = 0; i < old->size(); ++i) {
        const Answer<void> done = co_await erase(child_level, first + i, (*old)[i]);
        if (!done) co_return done;
      }
      co_return Answer<void>{};
    }
    std::vector<BlobId> chunks;
    for (std::size_t i = 0; i < old->size(); ++i) {
      const Answer<BlobId> now = co_await now_.find(0, first + i);
      if (!now) co_return now.error();
      if ((*old)[i] != kHole && (*old)[i] != *now) chunks.push_back((*old)[i]);
    }
    co_return co_await store_->erase(std::move(chunks));
  }

  const std::shared_ptr<ContentStore> store_;
  const ContentReader old_, now_;
};

}  // namespace

asio::awaitable<Answer<void>> erase_replaced(std::shared_ptr<ContentStore> store, Reference old,
                                             std::optional<Reference> now) {
  if (!old.id) co_return Answer<void>{};
  if (now && !now->id) now.reset();  // a value has no chunks
  Collector collector{std::move(store), old, now};
  co_return co_await collector.erase(old.level, 0, *old.id);
}

}  // namespace spotfs
