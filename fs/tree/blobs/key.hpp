// Keys: the path below blobs/, and what can be none.
//
// Thread: pure functions. Errors: EILSEQ for what starts with '{' or is no UTF-8 text (the bottles' encodings would mix
// it up), EPERM for the keys of the disk itself, ENAMETOOLONG beyond 960 bytes. Source: blobs.md.
#pragma once

#include <string>
#include <string_view>

#include "fs/tree/attributes.hpp"

namespace spotfs::tree {

inline constexpr std::size_t kMaxKey = 960;  // bytes

// The key of `name` in the directory of that path (empty: blobs/ itself).
Result<std::string> key_of(std::string_view directory, std::string_view name);
// The path of a directory: also an error where it could hold no key.
Result<std::string> path_of(std::string_view directory, std::string_view name);

}  // namespace spotfs::tree
