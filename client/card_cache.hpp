// ID cards of others, verified, with their keys parsed.
//
// Thread: any. Memory: kCapacity cards; the one used least recently goes first. Errors: those of IdCard::load_for;
// rollback for a card that is older than one seen before, in this run or an earlier one.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <vector>

#include "client/base/sync.hpp"
#include "client/bottle/id_card.hpp"
#include "client/card_ages.hpp"

namespace spot {

struct KnownCard {
  IdCard card;
  Bytes encoded;  // signed
  std::vector<PublicKey> decrypt_keys, sign_keys;
  std::optional<UnixSeconds> valid_until;  // then a key expires, and the two lists must be made anew
};

using CardPointer = std::shared_ptr<const KnownCard>;

class CardCache {
 public:
  static constexpr std::size_t kCapacity = 1'024;

  explicit CardCache(CardAges ages) : state_{std::move(ages)} {}

  CardPointer find(const Sha256& hash, UnixSeconds now);
  Result<CardPointer> put(const Sha256& hash, BytesView signed_card, UnixSeconds now);
  // Takes a newer card of an address that is already here; all else is ignored.
  void update(BytesView signed_card, UnixSeconds now);
  void drop(const Sha256& hash);
  std::vector<Sha256> known() const;
  CardPointer peek(const Sha256& hash) const;  // is no use of it, and its keys may have expired

 private:
  struct Entry {
    CardPointer card;
    std::list<Sha256>::iterator use;
  };
  struct State {
    explicit State(CardAges a) : ages{std::move(a)} {}
    CardAges ages;
    std::map<Sha256, Entry> entries;
    std::list<Sha256> uses;  // most recent first
  };

  static void insert(State& state, const Sha256& hash, CardPointer card);

  Synchronized<State> state_;
};

}  // namespace spot
