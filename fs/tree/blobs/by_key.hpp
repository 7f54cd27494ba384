// Values by their keys, also by those that no path below blobs/ can be: empty, with an empty part, or that of a
// directory.
//
// It knows no names and keeps nothing: what it stores is met by the mounts as the value of another client is.
//
// Thread: any. Lifetime: shared. Errors: not_found; those of key.hpp, of the store, and of what it gives.
// Source: blobs.md.
#pragma once

#include "fs/store/blob_store.hpp"
#include "fs/tree/blobs/value.hpp"

namespace spotfs::tree {

// EILSEQ, EPERM, ENAMETOOLONG.
Result<void> check_key(std::string_view key);

class ValuesByKey : public std::enable_shared_from_this<ValuesByKey> {
 public:
  // `store_id`: none: there is no disk yet, and values are plain. `draw`: a stamp for a new value.
  ValuesByKey(std::shared_ptr<BlobStore> store, std::shared_ptr<const spot::Keychain> keys,
              const std::optional<BlobId>& store_id, std::function<Stamp()> draw)
      : store_{std::move(store)},
        keys_{std::move(keys)},
        has_disk_{store_id},
        sealer_{keys_, store_id.value_or(BlobId{})},
        draw_{std::move(draw)} {}

  std::size_t limit() const noexcept { return sealer_.limit(); }  // bytes of a value
  asio::awaitable<spot::Answer<Value>> open(std::string key) const;
  // EFBIG where the value names chunks that hold its content.
  asio::awaitable<spot::Answer<Text>> get(std::string key) const;
  asio::awaitable<spot::Answer<void>> put(std::string key, Bytes content) const;
  asio::awaitable<spot::Answer<void>> erase(std::string key) const;

 private:
  asio::awaitable<Answer<Bytes>> fetch(std::string key) const;
  Result<Bytes> seal_plain(BytesView content) const;

  const std::shared_ptr<BlobStore> store_;
  const std::shared_ptr<const spot::Keychain> keys_;
  const bool has_disk_;
  const ValueSealer sealer_;
  const std::function<Stamp()> draw_;
};

}  // namespace spotfs::tree
