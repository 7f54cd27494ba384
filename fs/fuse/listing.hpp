// The positions of one open directory: what telldir() tells and seekdir() takes.
//
// A position stands for the name before it, not for a count, so that it still means the same place after names have
// come or gone: reading goes on with the first name after that one, in the order of bytes. "." is before position 1,
// ".." before 2, the names follow as they were read. Positions are those of one descriptor, until it is rewound.
//
// Thread: one at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace spotfs::fuse {

class Listing {
 public:
  static constexpr std::uint64_t first = 2;  // before the first name that is neither "." nor ".."

  void rewind();
  // The name that was read before this position (empty for `first`); none where there never was such a position.
  std::optional<std::string> before(std::uint64_t position) const;
  // The position after `name`, which was read next after `position`.
  std::uint64_t after(std::uint64_t position, std::string_view name);

 private:
  std::string_view at(std::size_t index) const;

  std::string names_;              // one after the other
  std::vector<std::size_t> ends_;  // where each of them ends
};

}  // namespace spotfs::fuse
