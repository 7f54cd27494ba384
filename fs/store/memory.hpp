// A store in this process, for tests: it can be told to wait, to fail, to lose an answer or what it was given.
//
// Thread: any. Lifetime: what a plan refers to must outlive the store.
#pragma once

#include <functional>
#include <map>
#include <optional>

#include "client/base/sync.hpp"
#include "client/crypto/hash.hpp"
#include "fs/store/blob_store.hpp"

namespace spotfs {

class MemoryStore final : public BlobStore {
 public:
  enum class Verb { fetch, store, erase, sync };
  enum class Fate {
    done,
    failed,      // nothing happened: offline
    unanswered,  // it happened, and nobody says so: connection_lost
    dropped,     // nothing happened, and the answer is a success; of a fetch: not_found
  };
  // Decides about each call before it happens; may wait.
  using Plan = std::function<asio::awaitable<Fate>(Verb verb, std::string key)>;
  using Blobs = std::map<std::string, Bytes>;

  asio::awaitable<Answer<Bytes>> fetch(std::string key) override;
  asio::awaitable<Answer<void>> store(std::string key, Bytes bottle) override;
  asio::awaitable<Answer<void>> erase(std::string key) override;
  asio::awaitable<Answer<std::vector<Bytes>>> sync() override;

  void set_plan(Plan plan);  // an empty one: all is done
  Blobs blobs() const;
  std::optional<Bytes> blob(const std::string& key) const;
  std::uint64_t changes() const;  // how often a value came, went or became another
  void set_blobs(Blobs blobs);    // goes back in time, or forward
  void restart(Blobs blobs);      // another run, with what the disk had of it

 private:
  asio::awaitable<Fate> fate(Verb verb, std::string key);

  struct State {
    Plan plan;
    Blobs blobs;
    std::uint64_t changes = 0;
    spot::ByteArray<16> run = spot::random_array<16>();
  };
  spot::Synchronized<State> state_;
};

}  // namespace spotfs
