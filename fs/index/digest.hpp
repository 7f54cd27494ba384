// What a mount has seen of a disk, in one word: so a mount on another machine, which has seen nothing yet, can be told
// what the store must show it at least.
//
// It has the store's id and the counter of every head that is known. A hash of those would be shorter, but could only
// say whether two states are the same: what an honest store shows has moved on by the time that somebody mounts.
//
// The word is base64url of `CBOR [store id, {writer: counter}] ‖ the first 4 bytes of its SHA-256`: without spaces and
// commas, as it is a mount option, and what was cut off or mistyped is noticed. It is no secret, and needs no
// signature: people carry it from one machine to the other.
//
// Thread: pure functions. Errors: malformed for all but the one form that to_text() makes.
// Source: files.md, "Freshness".
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "fs/index/keys.hpp"

namespace spotfs {

struct IndexStatus;

struct Digest {
  BlobId store{};
  std::map<WriterId, std::uint64_t> heads;  // counters, from 1 on
  bool operator==(const Digest&) const = default;
};

std::string to_text(const Digest& digest);
Result<Digest> parse_digest(std::string_view text);

Digest digest_of(const IndexStatus& status);

}  // namespace spotfs
