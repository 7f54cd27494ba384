#include "fs/content/check.hpp"

#include <cerrno>
#include <cstring>

#include "fs/content/content_reader.hpp"
#include "fs/store/at_once.hpp"

namespace spotfs {

bool cannot_be_had(std::error_code why) noexcept {
  return why == make_error_code(Errc::not_found) || spot::to_errno(why) == EBADMSG;
}

struct ContentChecker::One {
  One(std::shared_ptr<ContentChecker> by, const Reference& of) : checker{std::move(by)}, reference{of} {}

  const std::shared_ptr<ContentChecker> checker;
  const Reference reference;
  Checked found;

  // Faults come in the order of the content.
  void add(std::uint64_t first, std::uint64_t count, std::uint8_t level, const BlobId& blob, std::error_code why) {
    const bool is_missing = why == make_error_code(Errc::not_found);
    found.lost += count;
    if (!found.faults.empty()) {
      Fault& last = found.faults.back();
      if (last.first + last.count == first && last.is_missing == is_missing && last.level == level) {
        last.count += count;
        return;
      }
    }
    if (found.faults.size() == kMaxFaults)
      ++found.more;
    else
      found.faults.push_back(Fault{first, count, is_missing, level, blob});
  }
};

asio::awaitable<Answer<ContentChecker::Read>> ContentChecker::read(ContentKind kind, BlobId id, std::size_t size) {
  const Result<Window::Place> place = co_await window_->enter();
  if (!place) co_return Failure{place.error()};
  if (stopped_) co_return Failure{Errc::cancelled};
  const std::string key = content_key(id);
  for (bool again = false;; again = true) {
    const Answer<Bytes> bottle = co_await store_->fetch(key);
    if (!bottle && !cannot_be_had(bottle.error().code)) co_return bottle.error();
    Result<Bytes> plaintext =
        bottle ? cipher_->open(kind, id, *bottle, size) : Result<Bytes>{make_error_code(Errc::not_found)};
    if (plaintext) {
      bytes_ += size;
      co_return Read{std::move(*plaintext), again};
    }
    const bool is_tried_again = !again && restore_ && co_await restore_(key);
    // A blob that is too large for what it is, is damaged.
    if (!is_tried_again) co_return Failure{bottle ? make_error_code(Errc::malformed) : bottle.error().code};
  }
}

asio::awaitable<Answer<void>> ContentChecker::check_chunks(std::shared_ptr<One> one, std::uint64_t first,
                                                           std::vector<BlobId> ids) {
  struct Batch {
    explicit Batch(std::vector<BlobId> all) : ids{std::move(all)}, faults{ids.size()} {}
    const std::vector<BlobId> ids;
    std::vector<std::error_code> faults;  // each its own worker's
    std::atomic<std::uint64_t> restored{0};
  };
  const auto batch = std::make_shared<Batch>(std::move(ids));
  const Work work = [one, batch, first](std::size_t i) -> asio::awaitable<Answer<void>> {
    const BlobId id = batch->ids[i];
    if (id == kHole) co_return Answer<void>{};
    const std::size_t size = chunk_length(one->reference.size, first + i);
    const Answer<Read> chunk = co_await one->checker->read(ContentKind::data, id, size);
    if (chunk && chunk->is_restored) ++batch->restored;
    if (chunk) co_return Answer<void>{};
    if (!cannot_be_had(chunk.error().code)) co_return chunk.error();
    batch->faults[i] = chunk.error().code;
    co_return Answer<void>{};
  };
  const Answer<void> all = co_await do_at_once(one->checker->executor_, batch->ids.size(), kReadsAtOnce, work);
  if (!all) co_return all;
  one->found.restored += batch->restored;
  for (std::size_t i = 0; i < batch->ids.size(); ++i) {
    if (batch->faults[i])
      one->add(first + i, 1, 0, batch->ids[i], batch->faults[i]);
    else if (batch->ids[i] != kHole)
      ++one->found.chunks;
  }
  co_return Answer<void>{};
}

asio::awaitable<Answer<void>> ContentChecker::check_node(std::shared_ptr<One> one, std::uint8_t level,
                                                         std::uint64_t position, BlobId id) {
  if (id == kHole) co_return Answer<void>{};
  const std::uint64_t first = position * chunks_below(level);
  if (level == 0) {
    std::vector<BlobId> ids{id};
    co_return co_await check_chunks(one, first, std::move(ids));
  }
  const std::size_t children = index_length(one->reference.size, level, position);
  const Answer<Read> index = co_await one->checker->read(ContentKind::index, id, children * sizeof(BlobId));
  if (!index && !cannot_be_had(index.error().code)) co_return index.error();
  if (!index) {
    const std::uint64_t left = chunk_count(one->reference.size) - first;
    one->add(first, std::min(left, chunks_below(level)), level, id, index.error().code);
    co_return Answer<void>{};
  }
  one->found.restored += index->is_restored ? 1U : 0U;
  std::vector<BlobId> ids(children);
  std::memcpy(ids.data(), index->plaintext.data(), index->plaintext.size());
  if (level == 1) co_return co_await check_chunks(one, first, std::move(ids));
  const std::uint64_t first_child = position * kIndexFanOut;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const Answer<void> child = co_await check_node(one, static_cast<std::uint8_t>(level - 1), first_child + i, ids[i]);
    if (!child) co_return child;
  }
  co_return Answer<void>{};
}

asio::awaitable<Answer<Checked>> ContentChecker::check(Reference reference) {
  const auto one = std::make_shared<One>(shared_from_this(), reference);
  if (reference.id) {
    const Answer<void> asked = co_await check_node(one, reference.level, 0, *reference.id);
    if (!asked) co_return asked.error();
  }
  co_return std::move(one->found);
}

}  // namespace spotfs
