// The keys of a store that are no content, and the ids in them.
//
// Thread: pure functions. Source: files.md, the table of keys.
#pragma once

#include <algorithm>
#include <string>

#include "client/base/encoding.hpp"
#include "fs/content/reference.hpp"
#include "fs/index/stamp.hpp"

namespace spotfs {

using WriterId = ByteArray<16>;  // of a mount: of one state directory
using RunId = ByteArray<16>;     // of one run of a mount

// What its stamps have of it.
inline RunPrefix prefix_of(const RunId& run) noexcept {
  RunPrefix out;
  std::copy_n(run.begin(), out.size(), out.begin());
  return out;
}

inline constexpr const char* kStoreKey = ".spotfs/id";
inline constexpr const char* kWritersKey = ".spotfs/writers";
inline std::string head_key(const WriterId& writer) { return ".spotfs/w/" + spot::base64url(writer); }

}  // namespace spotfs
