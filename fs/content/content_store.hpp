// Content blobs by their ids, as plaintext.
//
// What several ask for at once is fetched once, and what was fetched or stored is kept in memory while there is room: a
// blob never changes, so a copy is right for ever.
//
// Thread: any. Lifetime: shared; a fetch that has begun goes on when whoever asked is cancelled. Errors: those of
// the store; not_sealed, bad_signature and malformed (another length than asked for) for what it gives, with the key as
// text; cancelled. Memory: `memory` bytes of plaintexts, and what is under way.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "client/base/recent.hpp"
#include "client/base/sync.hpp"
#include "client/net/event.hpp"
#include "fs/content/seal.hpp"
#include "fs/content/window.hpp"
#include "fs/store/blob_store.hpp"

namespace spotfs {

using Plaintext = std::shared_ptr<const Bytes>;

inline constexpr std::size_t kStoresAtOnce = 64;
inline constexpr std::size_t kErasesAtOnce = 16;

class ContentStore : public std::enable_shared_from_this<ContentStore> {
 public:
  ContentStore(asio::any_io_executor executor, std::shared_ptr<BlobStore> store,
               std::shared_ptr<const ContentCipher> cipher, std::size_t memory)
      : executor_{std::move(executor)}, store_{std::move(store)}, cipher_{std::move(cipher)}, state_{memory} {}

  // Where work runs that its caller does not wait for.
  const asio::any_io_executor& executor() const noexcept { return executor_; }

  // From memory; null: it is not there.
  Plaintext cached(ContentKind kind, const BlobId& id, std::size_t size);
  asio::awaitable<Answer<Plaintext>> fetch(ContentKind kind, BlobId id, std::size_t size);
  // Begins to fetch what someone will ask for. A failure is met by whoever asks.
  void want(ContentKind kind, const BlobId& id, std::size_t size);
  // Under a new id. What nobody is likely to ask for soon need not stay in memory.
  enum class Keep { yes, no };
  asio::awaitable<Answer<BlobId>> store(ContentKind kind, Plaintext plaintext, Keep keep = Keep::yes);
  // Several at once. The first error ends it.
  asio::awaitable<Answer<void>> erase(std::vector<BlobId> ids);
  // Was it stored here, and has the store lost it (BlobStore::is_lost)?
  bool is_lost(const BlobId& id) const { return store_->is_lost(content_key(id)); }
  // Deletes what this process stored and nobody was ever told of. Best effort, in the background.
  void discard(std::vector<BlobId> ids);

 private:
  struct Name {
    ContentKind kind;
    BlobId id;
    auto operator<=>(const Name&) const = default;
  };
  struct Flight {
    std::shared_ptr<spot::Event> landed = std::make_shared<spot::Event>();
    Answer<Plaintext> answer{Failure{Errc::offline}};  // valid once it has landed
  };
  using FlightPointer = std::shared_ptr<Flight>;
  struct State {
    explicit State(std::size_t memory) : kept{memory} {}
    spot::Recent<Name, Plaintext> kept;
    std::map<Name, FlightPointer> flights;
  };
  struct Found {
    Plaintext kept;
    FlightPointer flight;
  };

  enum class Begin { here, elsewhere };
  Found find_or_begin(const Name& name, std::size_t size, Begin begin);
  static asio::awaitable<Answer<Plaintext>> fetch_now(std::shared_ptr<ContentStore> self, Name name, std::size_t size);
  void remember(const Name& name, Plaintext plaintext);

  const asio::any_io_executor executor_;
  const std::shared_ptr<BlobStore> store_;
  const std::shared_ptr<const ContentCipher> cipher_;
  const std::shared_ptr<Window> stores_ = std::make_shared<Window>(kStoresAtOnce);
  spot::Synchronized<State> state_;
};

}  // namespace spotfs
