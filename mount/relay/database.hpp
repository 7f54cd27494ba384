// What a relay keeps: blobs, ID cards and groups.
//
// An interface, as several relays will share one later. Thread: any; a coroutine resumes on its caller's executor.
// Errors: not_found, quota_exceeded, ENOSPC (the disk is full), rate_exceeded (too much is waiting to be stored),
// storage_failed, stopping.
#pragma once

#include <optional>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "client/base/bytes.hpp"
#include "client/base/result.hpp"
#include "client/crypto/hash.hpp"

namespace spot::relay {

namespace asio = boost::asio;

struct BlobName {
  Sha256 owner{};  // the identity
  Bytes key;
};

// The membership of one identity in one group, verified by the caller.
struct GroupEntry {
  Sha256 group{};  // SHA-256 of the group's PKIX key
  Sha256 subject{};
  bool valid = false;  // false: suspended
  std::int64_t issued = 0;
  Bytes encoded;  // with its subject
};

struct CardEntry {
  Sha256 identity{};
  std::int64_t issued = 0;  // Unix seconds
  Bytes card;               // signed
  std::vector<GroupEntry> groups;
};

class Database {
 public:
  virtual ~Database() = default;

  virtual asio::awaitable<Result<Bytes>> fetch_blob(BlobName name) = 0;
  // Returns when the value survives a crash of the relay. An empty value erases; so does one for a missing key.
  virtual asio::awaitable<Result<void>> store_blob(BlobName name, Bytes value) = 0;
  // The same before it returns, where nobody else writes at the moment; it takes as long as a write to the page cache.
  // nullopt: nothing was done, ask store_blob().
  virtual std::optional<Result<void>> store_blob_now(const BlobName& name, BytesView value) = 0;
  // One that is `alone`, as nothing else is under way that could share a transaction with it, is stored here and now.
  asio::awaitable<Result<void>> store(BlobName name, Bytes value, bool alone) {
    if (alone) {
      if (const auto now = store_blob_now(name, value)) co_return *now;
    }
    co_return co_await store_blob(std::move(name), std::move(value));
  }
  // Returns when all that was stored before is on the disk.
  virtual asio::awaitable<Result<void>> sync() = 0;

  virtual asio::awaitable<Result<Bytes>> find_card(Sha256 identity) = 0;
  // Keeps the later card, of two with one `issued` the one that comes last. True if this one is new.
  virtual asio::awaitable<Result<bool>> store_card(CardEntry card) = 0;

  // Of one group and subject the later `issued` stands; of two with one `issued` this one, over that of a card.
  virtual asio::awaitable<Result<void>> store_membership(GroupEntry entry) = 0;
  virtual asio::awaitable<Result<std::vector<Sha256>>> members(Sha256 group) = 0;
  // What the operator gave for an identity, encoded.
  virtual asio::awaitable<Result<std::vector<GroupEntry>>> given_to(Sha256 subject) = 0;
};

}  // namespace spot::relay
