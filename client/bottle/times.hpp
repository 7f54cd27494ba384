// Times of cards and memberships: Unix seconds, written as plain integers.
#pragma once

#include "client/bottle/cbor.hpp"

namespace spot {

using UnixSeconds = std::int64_t;

// Reads an integer, a tag 1 number or a tag 0 text (RFC 3339), as the public clients have written them at some time.
Result<UnixSeconds> read_time(cbor::Reader& reader);

}  // namespace spot
