// What the kernel says of a thread in /proc/TID/status: anything else in /proc may wait for an exec that waits for the
// caller.
//
// Thread: any. Errors: nullopt where it can't be had, as of a thread that has no number here, or lacks that field.
// Source: proc(5).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include <sys/types.h>

namespace spotfs::tree {

// Room for the groups, too, which come before the signals.
struct ThreadStatus {
  std::array<char, 16'384> bytes;
  std::size_t size = 0;

  std::string_view text() const noexcept { return {bytes.data(), size}; }
};

std::optional<ThreadStatus> thread_status(pid_t tid) noexcept;
// Of a line "FIELD:\tNUMBER" that is not the first.
std::optional<std::uint64_t> number_in(std::string_view status, std::string_view field, int base) noexcept;

}  // namespace spotfs::tree
