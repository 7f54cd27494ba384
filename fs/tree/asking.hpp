// What may be asked of others in this identity's name, in whichever way: by the files of endpoints/ and listen/, or by
// a command.
//
// Thread: pure functions. Source: filesystem.md, "Endpoints".
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string_view>

namespace spotfs::tree {

inline constexpr std::size_t kMaxMessage = 65'000;  // bytes

// Of the server's endpoints, those that blobs/ is made of: nobody is to use them beside it.
bool is_of_the_store(std::string_view endpoint) noexcept;

// Whole seconds, 1 to 3,600; nullopt: something else.
std::optional<std::chrono::seconds> parse_timeout(std::string_view text) noexcept;

}  // namespace spotfs::tree
