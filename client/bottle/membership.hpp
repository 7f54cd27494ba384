// Memberships: a group's signed word that an identity belongs to it (protocol.md section 2).
//
// Thread: values. Errors: malformed, bad_signature, bad_card (signed by a key that the group does not list).
#pragma once

#include <string>

#include "client/bottle/times.hpp"
#include "client/crypto/key.hpp"

namespace spot {

class IdCard;

struct Membership {
  enum class Subject { written, null, left_out };  // how an empty subject stands inside a card: Go and Python differ

  Bytes subject;  // PKIX; empty inside a card
  Bytes group;    // PKIX
  std::string status;
  UnixSeconds issued = 0;
  Bytes info{0xF6};  // the encoded item
  Bytes signing_key;
  Bytes signature;
  Subject subject_form = Subject::written;

  bool valid() const noexcept { return status == "valid"; }
};

Result<Membership> decode_membership(BytesView encoded);
Bytes encode_membership(const Membership& membership);

// Of `subject`, whether the membership names it or leaves it out (wrong_name: it names another). The signing key must
// be the group's, or one that `group_card` (null: none known) lists for `sign` at `now`.
Result<void> verify_membership(const Membership& membership, BytesView subject, const IdCard* group_card,
                               UnixSeconds now);

Result<Membership> make_membership(BytesView subject, const PrivateKey& group, std::string status, UnixSeconds issued);

}  // namespace spot
