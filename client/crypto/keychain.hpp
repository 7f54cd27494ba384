// The private keys of one identity; the first that can sign is its self key.
//
// Thread: immutable after it is made; share it as `std::shared_ptr<const Keychain>`.
#pragma once

#include <vector>

#include "client/crypto/key.hpp"

namespace spot {

class Keychain {
 public:
  // Errors: bad_argument without a key that can sign. Keys keep their order, but the first that can sign comes first.
  static Result<Keychain> of(std::vector<PrivateKey> keys);

  const PrivateKey& self() const noexcept { return keys_.front(); }
  const std::vector<PrivateKey>& keys() const noexcept { return keys_; }
  const PrivateKey* find(BytesView pkix) const noexcept;  // null if it is not ours
  bool owns(const PublicKey& key) const noexcept { return find(key.pkix()) != nullptr; }

 private:
  explicit Keychain(std::vector<PrivateKey> keys) : keys_{std::move(keys)} {}
  std::vector<PrivateKey> keys_;
};

}  // namespace spot
