// Conflict names: what a file is called whose name another one has.
//
// Thread: pure functions. Names are bytes; lengths in bytes. Source: files.md, "Apply", rules 2, 3 and 4.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "fs/index/stamp.hpp"

namespace spotfs {

// At most `size` bytes of a name, never a part of a UTF-8 character (back over at most three bytes 80 to BF).
std::string_view cut_name(std::string_view name, std::size_t size) noexcept;

// `NAME.conflict-<time of the inode's id>-<its last 4 hex digits>`, from number 2 on `.<number>` after it; at most 255
// bytes.
std::string conflict_name(std::string_view name, const InodeId& inode, unsigned number);

// What comes before the suffix of a conflict name; none: it has no such suffix.
std::optional<std::string_view> conflict_stem(std::string_view name) noexcept;

// Is `name` what was `was`: the same name, or with a conflict suffix of the same stem?
bool same_stem(std::string_view was, std::string_view name) noexcept;

inline constexpr std::string_view kLostFoundName = "lost+found";  // in the root, while it is not empty

// `#` and the id's 24 hex digits: in lost+found.
std::string lost_name(const InodeId& inode);

}  // namespace spotfs
