// SHA-256, HKDF and random bytes.
//
// Thread: any. Errors: a failing random generator or digest ends the program, as nothing safe can follow.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "client/base/bytes.hpp"

namespace spot {

using Sha256 = ByteArray<32>;

Sha256 sha256(BytesView data);

// RFC 5869 with SHA-256, 32 bytes out.
SecretBytes hkdf_sha256(BytesView secret, BytesView salt, std::string_view info);

void random_bytes(std::span<std::uint8_t> out);

template <std::size_t N>
ByteArray<N> random_array() {
  ByteArray<N> out;
  random_bytes(out);
  return out;
}

// RFC 9562 version 4, and its text form.
using Uuid = ByteArray<16>;
Uuid random_uuid();
std::string to_text(const Uuid& uuid);

}  // namespace spot
