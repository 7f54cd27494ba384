// The keys of a store that are no content, and the ids in them.
//
// Thread: pure functions. Source: files.md, the table of keys.
#pragma once

#include <string>

#include "client/base/encoding.hpp"
#include "fs/content/reference.hpp"

namespace spotfs {

using WriterId = ByteArray<16>;  // of a mount: of one state directory
using RunId = ByteArray<16>;     // of one run of a mount

inline constexpr const char* kStoreKey = ".spotfs/id";
inline constexpr const char* kWritersKey = ".spotfs/writers";
inline std::string head_key(const WriterId& writer) { return ".spotfs/w/" + spot::base64url(writer); }

}  // namespace spotfs
