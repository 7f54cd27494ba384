// Who we are: our keys, and our ID card as the relays see it.
//
// Thread: any. Lifetime: the client's.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "client/base/clock.hpp"
#include "client/base/sync.hpp"
#include "client/bottle/id_card.hpp"

namespace spot {

UnixSeconds unix_seconds(Clock::Wall time) noexcept;

class Identity {
 public:
  struct Card {
    IdCard card;
    Bytes encoded;  // signed
  };

  // Errors: those of signing.
  static Result<std::unique_ptr<Identity>> make(std::shared_ptr<const Keychain> keys,
                                                const std::map<std::string, std::string>& meta,
                                                std::vector<Bytes> groups, Clock::Wall now);

  const Keychain& keys() const noexcept { return *keys_; }
  const Sha256& hash() const noexcept { return keys_->self().public_key().hash(); }
  const std::string& address() const noexcept { return address_; }  // k.<hash>
  // The public halves of our key store, never those of a fetched card.
  const std::vector<PublicKey>& recipients() const noexcept { return recipients_; }
  const std::vector<PublicKey>& signers() const noexcept { return signers_; }

  std::shared_ptr<const Card> card() const;
  // Takes what a relay pushed into the card, as far as it may. Says what was not taken, and why, one line for each, fit
  // for a log; what the card has already is nothing to tell of.
  std::vector<std::string> merge(const std::vector<Bytes>& memberships, Clock::Wall now);

 private:
  Identity(std::shared_ptr<const Keychain> keys, std::vector<Bytes> groups);

  const std::shared_ptr<const Keychain> keys_;
  const std::vector<Bytes> groups_;
  const std::string address_;
  std::vector<PublicKey> recipients_, signers_;
  Synchronized<std::shared_ptr<const Card>> card_;
};

}  // namespace spot
