// The newest `issued` of each ID card that was ever seen, so that nobody can bring back an older card, with keys that
// were revoked since (protocol.md, "Sealed").
//
// Kept in a file of records `hash(32) ‖ issued(8)`, appended to at each change, also by several processes, and written
// anew when it is opened and has outdated records; a record that was cut short is ignored. Thread: one at a time.
// Errors: errno codes. Memory: kMaxCards; beyond that the one that was learnt first is forgotten.
#pragma once

#include <deque>
#include <filesystem>
#include <map>
#include <optional>

#include "client/base/result.hpp"
#include "client/bottle/times.hpp"
#include "client/crypto/hash.hpp"

namespace spot {

class CardAges {
 public:
  static constexpr std::size_t kMaxCards = 65'536;

  CardAges() = default;  // memory alone
  static Result<CardAges> open(const std::filesystem::path& file);
  CardAges(CardAges&&) noexcept;
  CardAges& operator=(CardAges&&) noexcept;
  ~CardAges();

  std::optional<UnixSeconds> find(const Sha256& hash) const;
  void raise(const Sha256& hash, UnixSeconds issued);

 private:
  void insert(const Sha256& hash, UnixSeconds issued);

  std::map<Sha256, UnixSeconds> ages_;
  std::deque<Sha256> order_;
  int file_ = -1;
};

}  // namespace spot
