#include "fs/content/sweep.hpp"

#include <algorithm>

namespace spotfs {

asio::awaitable<Answer<void>> Sweep::visit(std::shared_ptr<const ContentReader> content, std::uint8_t level,
                                           std::uint64_t position, BlobId id, Visit each, Missing missing) {
  if (id == kHole || !each(id, level) || level == 0) co_return Answer<void>{};
  const Answer<std::vector<BlobId>> below = co_await content->index(level, position);
  if (!below && missing == Missing::is_gone && below.error().code == Errc::not_found) co_return Answer<void>{};
  if (!below) co_return below.error();
  const auto child_level = static_cast<std::uint8_t>(level - 1);
  for (std::size_t i = 0; i < below->size(); ++i) {
    const BlobId child = (*below)[i];
    if (child_level == 0) {
      if (child != kHole) each(child, 0);
      continue;
    }
    const Answer<void> done = co_await visit(content, child_level, position * kIndexFanOut + i, child, each, missing);
    if (!done) co_return done;
  }
  co_return Answer<void>{};
}

asio::awaitable<Answer<void>> Sweep::add(std::int64_t number, Reference content) {
  const std::size_t place = numbers_.size();
  numbers_.push_back(number);
  if (!content.id) co_return Answer<void>{};
  const Visit each = [this, place](const BlobId& id, std::uint8_t level) {
    blobs_.push_back(Blob{id, place, level});
    return true;
  };
  auto reader = std::make_shared<const ContentReader>(contents_, content);
  co_return co_await visit(std::move(reader), content.level, 0, *content.id, each, Missing::is_gone);
}

// False: all that is below it was met before.
bool Sweep::meet(By by, const BlobId& id, std::uint8_t level) {
  if (level > 0 && !indexes_.emplace(by, id).second) return false;
  auto blob = std::lower_bound(blobs_.begin(), blobs_.end(), id,
                               [](const Blob& one, const BlobId& other) { return one.id < other; });
  for (; blob != blobs_.end() && blob->id == id; ++blob) blob->met |= static_cast<std::uint8_t>(by);
  return true;
}

asio::awaitable<Answer<void>> Sweep::meet(By by, Reference content) {
  if (!std::exchange(is_sorted_, true)) std::ranges::sort(blobs_, {}, &Blob::id);
  if (!content.id) co_return Answer<void>{};
  if (content.level == 0) {
    meet(by, *content.id, 0);
    co_return Answer<void>{};
  }
  const Visit each = [this, by](const BlobId& id, std::uint8_t level) { return meet(by, id, level); };
  auto reader = std::make_shared<const ContentReader>(contents_, content);
  // What only a log or a snapshot names may have been deleted by a writer that knew of no other: it can't be read.
  const Missing missing = by == By::disk ? Missing::is_error : Missing::is_gone;
  co_return co_await visit(std::move(reader), content.level, 0, *content.id, each, missing);
}

// What leads to the rest is deleted last, so that a repeated sweep goes on where one was cut off.
asio::awaitable<Answer<Sweep::Swept>> Sweep::erase() {
  constexpr auto kDisk = static_cast<std::uint8_t>(By::disk);
  std::vector<bool> stays(numbers_.size());
  std::uint8_t height = 0;
  for (const Blob& blob : blobs_) {
    if (blob.met != 0 && (blob.met & kDisk) == 0) stays[blob.content] = true;
    height = std::max(height, blob.level);
  }
  Swept out;
  for (std::uint8_t level = 0; level <= height; ++level) {
    std::vector<BlobId> gone;
    for (const Blob& blob : blobs_) {
      if (blob.level == level && blob.met == 0 && !stays[blob.content]) gone.push_back(blob.id);
    }
    out.blobs += gone.size();
    const Answer<void> erased = co_await contents_->erase(std::move(gone));
    if (!erased) co_return erased.error();
  }
  for (std::size_t i = 0; i < numbers_.size(); ++i) {
    if (!stays[i]) out.over.push_back(numbers_[i]);
  }
  co_return out;
}

}  // namespace spotfs
