// Addresses: `k.<hash>/ep`, `k.<srv>.<hash>/ep`, `c.<srv>.<conn>/ep`, `g.<hash>/ep`, `@/ep` (protocol.md, section 4).
//
// Thread: values. Errors: malformed. At most 256 bytes of UTF-8.
#pragma once

#include <string>
#include <string_view>

#include "client/base/result.hpp"
#include "client/crypto/hash.hpp"

namespace spot {

inline constexpr std::size_t kMaxNameSize = 256;

enum class AddressKind { identity, connection, group, server };

struct Address {
  AddressKind kind = AddressKind::server;
  std::string target;    // all before the first '/': "k.…", "c.…", "g.…", "@"
  std::string endpoint;  // between the first and the second '/', may be empty
  std::string rest;      // after the second '/'
  Sha256 hash{};         // of an identity or group

  static Result<Address> parse(std::string_view text);
  // "k.<hash>" of a target whatever server it names; the same as target for the other kinds.
  std::string canonical_target() const;
};

std::string identity_target(const Sha256& hash);  // k.<base64url>
std::string group_target(const Sha256& hash);     // g.<base64url>

}  // namespace spot
