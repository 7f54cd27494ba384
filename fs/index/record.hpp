// Records: the values of `.spotfs/id`, `.spotfs/writers` and heads, sealed for our own card and bound to their key and
// store.
//
// Thread: any, immutable. Errors: those of open_sealed; wrong_name for a record of another kind, key or store, or one
// without the secret that it must have; no_recipient; too_large. Source: files.md, "Head, id, writers"; protocol.md,
// "Sealed".
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "client/crypto/keychain.hpp"
#include "fs/content/reference.hpp"

namespace spotfs {

inline constexpr std::size_t kMaxRecord = 48'900;  // bytes of a sealed record

enum class RecordKind { store, writers, head };
// The records of stores and heads carry the secret, that of the writers does not.
inline bool carries_secret(RecordKind kind) noexcept { return kind != RecordKind::writers; }

// What a store is known by: its id, and the secret that its content is sealed with.
struct StoreSecret {
  BlobId id{};
  spot::SecretBytes secret;  // 32 bytes
};

class RecordSealer {
 public:
  explicit RecordSealer(std::shared_ptr<const spot::Keychain> keys);

  Result<Bytes> seal(RecordKind kind, const std::string& key, const StoreSecret& store, BytesView payload) const;
  // The payload of a record of this store.
  Result<Bytes> open(RecordKind kind, const std::string& key, const StoreSecret& store, BytesView sealed) const;
  struct Store {
    Bytes payload;
    StoreSecret store;
  };
  // Of a store that is not known yet: what the record itself says.
  Result<Store> open_store(const std::string& key, BytesView sealed) const;

 private:
  Result<Store> open_any(RecordKind kind, const std::string& key, BytesView sealed) const;

  std::shared_ptr<const spot::Keychain> keys_;
  std::vector<spot::PublicKey> recipients_, signers_;
};

}  // namespace spotfs
