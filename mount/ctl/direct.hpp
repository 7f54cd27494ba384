// An identity without a mount: a client of our own, on the relays of a source, and the values of blobs/.
//
// Thread: one that waits. Lifetime: connected until it is destroyed. Errors: with one line for the user.
#pragma once

#include "fs/content/content_store.hpp"
#include "fs/store/remote.hpp"
#include "fs/tree/blobs/by_key.hpp"
#include "mount/embedded_relay.hpp"
#include "mount/loop.hpp"
#include "mount/options.hpp"

namespace spotfs::ctl {

class Direct {
 public:
  explicit Direct(const mount::Options& options);
  ~Direct();
  Direct(const Direct&) = delete;
  Direct& operator=(const Direct&) = delete;

  spot::Answer<void> connect();
  const std::shared_ptr<spot::Client>& client() const noexcept { return client_; }
  // Waits for what a client is asked; `limit` is beyond its own.
  template <class T>
  spot::Answer<T> run(asio::awaitable<spot::Answer<T>> work, std::chrono::milliseconds limit) {
    return loop_.run(std::move(work), limit);
  }
  // Returns when what the client was given to send is with the relay: it would go with the connection. Of several
  // relays, with one of them.
  spot::Answer<void> drain(std::chrono::milliseconds limit);
  std::chrono::milliseconds query_timeout() const noexcept { return options_.query_timeout; }

  // Before the values are asked for.
  spot::Answer<void> find_store();
  // Part by part; false from `take` ends it.
  spot::Answer<void> get(std::string key, const std::function<bool(spot::BytesView)>& take);
  spot::Answer<void> put(std::string key, spot::Bytes content);
  spot::Answer<void> erase(std::string key);
  std::size_t limit() const noexcept { return values_->limit(); }

 private:
  spot::Answer<void> load_keys();
  spot::Answer<void> start_client();

  const mount::Options options_;
  mount::Loop loop_;
  std::shared_ptr<const spot::Keychain> keys_;
  std::optional<mount::EmbeddedRelay> relay_;
  std::shared_ptr<spot::Client> client_;
  std::shared_ptr<BlobStore> store_;
  std::shared_ptr<const tree::ValuesByKey> values_;
  std::shared_ptr<ContentStore> contents_;  // of the disk; none: there is no disk
};

}  // namespace spotfs::ctl
