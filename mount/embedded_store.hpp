// The store of an `embedded:` source: the blobs of its relay, without the protocol in between.
//
// A query to a relay in the same process costs two packets, four hand-overs between threads and a copy of the value for
// each of them: more than all the rest of a small file. What others store and fetch through the relay's listener is the
// same.
//
// Thread: any. Lifetime: keeps the relay. Errors: as BlobStore, with the texts of the relay's endpoints.
#pragma once

#include <atomic>

#include "fs/store/blob_store.hpp"
#include "mount/relay/relay.hpp"

namespace spotfs::mount {

class EmbeddedStore final : public BlobStore {
 public:
  // `owner`: whose blobs they are.
  EmbeddedStore(std::shared_ptr<spot::relay::Relay> relay, const spot::Sha256& owner)
      : relay_{std::move(relay)}, owner_{owner} {}

  asio::awaitable<Answer<Bytes>> fetch(std::string key) override;
  asio::awaitable<Answer<void>> store(std::string key, Bytes bottle) override;
  asio::awaitable<Answer<void>> erase(std::string key) override;
  asio::awaitable<Answer<std::vector<Bytes>>> sync() override;

 private:
  spot::relay::BlobName name_of(const std::string& key) const;

  const std::shared_ptr<spot::relay::Relay> relay_;
  const spot::Sha256 owner_;
  std::atomic<std::size_t> storing_{0};
};

}  // namespace spotfs::mount
