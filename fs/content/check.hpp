// Reads contents anew from the store, past all caches, and says what of them can't be had: each index and each chunk
// must be there, open, and have the length that its place asks for.
//
//   auto checker = std::make_shared<ContentChecker>(executor, store, cipher);
//   const Checked found = (co_await checker->check(reference)).value();
//
// Thread: any; several at once, which share the reads at once, so that users come first. Lifetime: shared.
// Errors: the store could not be asked (offline, no answer, an error of its own), and so nothing is known; cancelled.
// Memory: an index for each level, and a blob for each of the reads at once. Source: files.md, "Keeping".
#pragma once

#include <atomic>
#include <functional>

#include "fs/content/geometry.hpp"
#include "fs/content/seal.hpp"
#include "fs/content/window.hpp"
#include "fs/store/blob_store.hpp"

namespace spotfs {

inline constexpr std::size_t kReadsAtOnce = 8;
inline constexpr std::size_t kMaxFaults = 1'000;  // that are listed of one content

// Is it the store's word that a blob is missing, or is not what was stored? Anything else is no reason to believe so.
bool cannot_be_had(std::error_code why) noexcept;

// Chunks one after the other that can't be had, for one reason.
struct Fault {
  std::uint64_t first = 0, count = 0;  // chunks
  bool is_missing = false;             // else it is damaged
  std::uint8_t level = 0;              // of the blob: 0 a chunk, else an index with all that is below it
  BlobId blob{};                       // the first one
};

struct Checked {
  std::uint64_t chunks = 0;    // that are whole
  std::uint64_t lost = 0;      // that can't be had, holes below a lost index among them
  std::uint64_t restored = 0;  // blobs that were stored again
  std::vector<Fault> faults;   // in the order of the content; at most kMaxFaults
  std::uint64_t more = 0;      // faults that are not listed
  bool is_whole() const noexcept { return faults.empty(); }
};

class ContentChecker : public std::enable_shared_from_this<ContentChecker> {
 public:
  // Stores a blob again that the store has lost; true: done, and right.
  using Restore = std::function<asio::awaitable<bool>(std::string key)>;

  ContentChecker(asio::any_io_executor executor, std::shared_ptr<BlobStore> store,
                 std::shared_ptr<const ContentCipher> cipher, Restore restore = {},
                 std::size_t reads_at_once = kReadsAtOnce)
      : executor_{std::move(executor)},
        store_{std::move(store)},
        cipher_{std::move(cipher)},
        restore_{std::move(restore)},
        window_{std::make_shared<Window>(reads_at_once)} {}

  // Of a reference without an id (a value below blobs/) there is nothing to be read.
  asio::awaitable<Answer<Checked>> check(Reference reference);

  // Nothing more is read: all checks in progress end as cancelled.
  void stop() noexcept { stopped_ = true; }
  const std::shared_ptr<Window>& window() const noexcept { return window_; }
  // Of all contents until now.
  std::uint64_t bytes_read() const noexcept { return bytes_; }

 private:
  struct One;  // content
  // The plaintext of a blob; not_found, or malformed where it is not what was stored.
  struct Read {
    Bytes plaintext;
    bool is_restored = false;
  };
  asio::awaitable<Answer<Read>> read(ContentKind kind, BlobId id, std::size_t size);
  static asio::awaitable<Answer<void>> check_node(std::shared_ptr<One> one, std::uint8_t level, std::uint64_t position,
                                                  BlobId id);
  static asio::awaitable<Answer<void>> check_chunks(std::shared_ptr<One> one, std::uint64_t first,
                                                    std::vector<BlobId> ids);

  const asio::any_io_executor executor_;
  const std::shared_ptr<BlobStore> store_;
  const std::shared_ptr<const ContentCipher> cipher_;
  const Restore restore_;
  const std::shared_ptr<Window> window_;
  std::atomic<std::uint64_t> bytes_{0};
  std::atomic<bool> stopped_{false};
};

}  // namespace spotfs
