// Tells a message that was received before, whoever signed it now.
//
// Thread: one at a time. Memory: bounded by `capacity` digests; the oldest is forgotten first.
#pragma once

#include <cstring>
#include <unordered_set>
#include <vector>

#include "client/crypto/hash.hpp"

namespace spot {

class ReplayCache {
 public:
  explicit ReplayCache(std::size_t capacity = 65'536) : capacity_{capacity} {}

  // `digest` is that of the encrypted level (Sealed::digest). False: it was seen before.
  bool remember(const Sha256& digest);

 private:
  struct Prefix {
    std::size_t operator()(const Sha256& digest) const noexcept {
      std::size_t value;
      std::memcpy(&value, digest.data(), sizeof value);
      return value;
    }
  };

  const std::size_t capacity_;
  std::size_t oldest_ = 0;
  std::vector<Sha256> order_;  // a ring once it is full
  std::unordered_set<Sha256, Prefix> seen_;
};

}  // namespace spot
