// ID cards: who an identity is, and which keys it uses for what (draft-karpeles-bottle-idcard-01, protocol.md section
// 2).
//
// Thread: values. Errors: bad_card (wrong shape, wrong self signature, another hash, issued too far ahead), malformed.
// Times are Unix seconds.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "client/bottle/membership.hpp"
#include "client/bottle/open.hpp"

namespace spot {

struct Subkey {
  Bytes key;  // PKIX; may be of a type that this build cannot use
  UnixSeconds issued = 0;
  std::optional<UnixSeconds> expires;
  std::vector<std::string> purposes;  // sorted
};

class IdCard {
 public:
  // A card for all keys of a keychain: P-256 and RSA as decrypt and sign, Ed25519 as both, X25519 as decrypt.
  static IdCard of(const Keychain& keys, UnixSeconds issued);
  // The signed form, level by level as demanded; no expectation of whose it is.
  static Result<IdCard> load(BytesView signed_card, UnixSeconds now);
  // The same, and it must be the card of the address k.<base64url of hash>.
  static Result<IdCard> load_for(BytesView signed_card, const Sha256& hash, UnixSeconds now);
  // The bare CBOR, unverified.
  static Result<IdCard> decode(BytesView encoded);
  Bytes encode() const;
  // Signed by the self key, as CBOR.
  Result<Bytes> sign(const PrivateKey& self) const;

  const Bytes& self() const noexcept { return self_; }
  Sha256 hash() const { return sha256(self_); }
  std::string address() const;  // k.<base64url>
  UnixSeconds issued() const noexcept { return issued_; }
  const std::vector<Subkey>& subkeys() const noexcept { return subkeys_; }
  const std::vector<Membership>& groups() const noexcept { return groups_; }
  const std::map<std::string, std::string>& meta() const noexcept { return meta_; }
  std::map<std::string, std::string>& meta() noexcept { return meta_; }

  // Keys of a purpose, parsed, neither expired nor revoked at `now`; those of unsupported types are left out.
  std::vector<PublicKey> keys_for(std::string_view purpose, UnixSeconds now) const;
  bool lists_any_of(const Keychain& keys) const;

  // Merges what a relay pushed (protocol.md: subject is us, signature valid, later than held, group in `wanted`);
  // a status other than valid removes. At most 64, and 16 KiB of card. True if the card changed.
  // `group_card` is the group's, where it is known.
  Result<bool> merge_membership(const Membership& pushed, const std::vector<Bytes>& wanted, const IdCard* group_card,
                                UnixSeconds now);
  void set_issued(UnixSeconds issued) noexcept { issued_ = issued; }

 private:
  Bytes self_;
  UnixSeconds issued_ = 0;
  std::vector<Subkey> subkeys_;
  std::vector<Subkey> revoked_;
  std::vector<Membership> groups_;
  std::map<std::string, std::string> meta_;
  bool empty_meta_map_ = false;  // an empty one is null or A0: kept, so that encode gives the same bytes
};

}  // namespace spot
