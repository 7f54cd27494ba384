// Drafts over a store in memory, on one thread.
#pragma once

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "fs/content/draft.hpp"
#include "fs/store/memory.hpp"
#include "tests/fake/run_on.hpp"

namespace spotfs {

using Fate = MemoryStore::Fate;
using Verb = MemoryStore::Verb;

class DraftTest : public testing::Test {
 protected:
  template <class T>
  T run(asio::awaitable<T> work) {
    return spot::fake::run_on(context_, std::move(work));
  }
  void settle() {
    context_.restart();
    while (context_.poll() > 0) {
    }
  }

  std::shared_ptr<ContentStore> content(std::size_t memory = 1 << 20) {
    return std::make_shared<ContentStore>(context_.get_executor(), store_, cipher_, memory);
  }
  std::shared_ptr<Draft> draft(const std::optional<Reference>& base = {}) {
    return std::make_shared<Draft>(content(), base);
  }
  void write(Draft& draft, std::uint64_t offset, Bytes data) {
    const Answer<void> done = run(draft.write(offset, std::move(data)));
    ASSERT_TRUE(done) << done.error().code.message();
  }
  Draft::Saved save(Draft& draft) {
    Draft::Saved saved = run(draft.save()).value();
    draft.named(saved);
    settle();
    return saved;
  }
  Bytes read(Draft& draft, std::uint64_t offset, std::size_t size) { return run(draft.read(offset, size)).value(); }
  // By someone who has nothing in memory.
  Bytes read_again(const std::optional<Reference>& reference) {
    const auto again = draft(reference);
    return read(*again, 0, static_cast<std::size_t>(again->size()));
  }
  static Bytes pattern(std::size_t size, unsigned seed = 1) {
    std::mt19937 random{seed};
    Bytes out(size);
    for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(random() % 255 + 1);
    return out;
  }
  std::size_t blobs() const { return store_->blobs().size(); }
  // Counts what is asked of the store, and gives each store that fate.
  void watch(Fate stores = Fate::done) {
    fetches_ = stores_ = erases_ = 0;
    store_->set_plan([this, stores](Verb verb, const std::string&) -> asio::awaitable<Fate> {
      (verb == Verb::fetch ? fetches_ : verb == Verb::store ? stores_ : erases_)++;
      co_return verb == Verb::store ? stores : Fate::done;
    });
  }

  asio::io_context context_{1};
  std::shared_ptr<MemoryStore> store_ = std::make_shared<MemoryStore>();
  std::shared_ptr<const ContentCipher> cipher_ =
      std::make_shared<const ContentCipher>(BlobId{1}, spot::SecretBytes(32, 7));
  int fetches_ = 0, stores_ = 0, erases_ = 0;
};

}  // namespace spotfs
