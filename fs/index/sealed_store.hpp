// The store of one disk, in its own terms: records and pieces of log go in and come out checked.
//
// A record that comes again byte for byte is opened once: each refresh fetches every head.
//
// Thread: any. Errors: those of the store; not_found where nothing is there; for what is there but wrong,
// those of record.hpp, seal.hpp and head.hpp, with the key as text.
#pragma once

#include "client/base/recent.hpp"
#include "client/base/sync.hpp"
#include "fs/content/seal.hpp"
#include "fs/index/head.hpp"
#include "fs/index/record.hpp"
#include "fs/store/blob_store.hpp"

namespace spotfs {

class SealedStore {
 public:
  SealedStore(std::shared_ptr<BlobStore> store, std::shared_ptr<const RecordSealer> sealer, StoreSecret secret);
  // The same disk, in a store that shows the same.
  std::shared_ptr<const SealedStore> over(std::shared_ptr<BlobStore> store) const {
    return std::make_shared<const SealedStore>(std::move(store), sealer_, secret_);
  }

  const BlobId& id() const noexcept { return secret_.id; }
  BlobStore& blobs() const noexcept { return *store_; }
  const ContentCipher& cipher() const noexcept { return cipher_; }

  // Is `.spotfs/id` there, and that of this store? Errors as above.
  asio::awaitable<Answer<void>> check_identity() const;

  struct SealedHead {
    Head head;
    Bytes sealed;
  };
  asio::awaitable<Answer<SealedHead>> fetch_head(WriterId writer) const;
  asio::awaitable<Answer<void>> store_head(WriterId writer, Head head) const;
  Result<Head> open_head(const WriterId& writer, BytesView sealed) const;

  asio::awaitable<Answer<Writers>> fetch_writers() const;
  asio::awaitable<Answer<void>> store_writers(Writers writers) const;

  // A piece of log or a list of pieces, or a node of a snapshot.
  asio::awaitable<Answer<Bytes>> fetch_content(ContentKind kind, BlobId id) const;
  asio::awaitable<Answer<void>> store_content(ContentKind kind, BlobId id, Bytes plaintext) const;

 private:
  struct Opened {
    Bytes sealed;
    Bytes payload;
  };
  Result<Bytes> open(RecordKind kind, const std::string& key, BytesView sealed) const;

  std::shared_ptr<BlobStore> store_;
  std::shared_ptr<const RecordSealer> sealer_;
  StoreSecret secret_;
  ContentCipher cipher_;
  mutable spot::Synchronized<spot::Recent<std::string, Opened>> opened_;  // by key, weighed in bytes
};

}  // namespace spotfs
