// Memberships as files, which the owner of a group gives to the operator of a relay.
//
//   <group>.<member>.membership     the signed membership, CBOR; the names are SHA-256 of the keys, in base64url
//
// The latest word of the group about a member is its file: to take a membership back is a signed word, too, and a file
// that goes takes nothing back. The name of a file counts for nothing, the signature for all; temporary files have
// other names.
//
// Thread: any, blocking file I/O. Errors: one line for the user.
#pragma once

#include <filesystem>
#include <string_view>

#include "client/base/failure.hpp"
#include "client/bottle/membership.hpp"

namespace spot::relay {

inline constexpr std::string_view kMembershipSuffix = ".membership";

// Anyone may have written it.
Answer<Membership> read_membership(const std::filesystem::path& file);

// Makes the directory where it is missing. `issued` is `now`, or later than that of the file which is replaced.
Answer<void> write_membership(const std::filesystem::path& directory, const PrivateKey& group, const PublicKey& member,
                              bool valid, UnixSeconds now);

// Whose public key (PEM) or signed ID card a file is.
Answer<PublicKey> read_member(const std::filesystem::path& file, UnixSeconds now);

// Errors: it can't be made.
Answer<void> make_group_directory(const std::filesystem::path& directory);

}  // namespace spot::relay
