// The store that a Spot client reaches.
//
// Which answer means that a key is missing is not documented for every server. So one random key is asked for first,
// and only an error with the text that came for it (with the one key for the other) is not_found; any other stays what
// it is, and a relay's not_found that differs from it is remote_error. Until a server could be asked, nothing is
// missing.
//
// Thread: any. Lifetime: keeps its client. Source: files.md, "Missing, or an error?".
#pragma once

#include <optional>

#include "client/base/sync.hpp"
#include "client/client.hpp"
#include "fs/store/blob_store.hpp"

namespace spotfs {

class RemoteStore final : public BlobStore {
 public:
  explicit RemoteStore(std::shared_ptr<spot::Client> client) : client_{std::move(client)} {}

  asio::awaitable<Answer<Bytes>> fetch(std::string key) override;
  asio::awaitable<Answer<void>> store(std::string key, Bytes bottle) override;
  asio::awaitable<Answer<void>> erase(std::string key) override;
  asio::awaitable<Answer<std::vector<Bytes>>> sync() override;

 private:
  // How this server says that a key is missing: the text of an error, or an empty value.
  struct Missing {
    bool is_empty_value = false;
    std::string key;   // that was asked for
    std::string text;  // that came, with the key in it or not
  };

  asio::awaitable<Answer<Missing>> missing();
  asio::awaitable<Answer<Bytes>> judge(std::string key, Answer<Bytes> answer);

  std::shared_ptr<spot::Client> client_;
  spot::Synchronized<std::optional<Missing>> missing_;
};

}  // namespace spotfs
