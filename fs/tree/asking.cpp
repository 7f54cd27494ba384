#include "fs/tree/asking.hpp"

#include <charconv>
#include <cstdint>

namespace spotfs::tree {

bool is_of_the_store(std::string_view endpoint) noexcept {
  return endpoint == "store_blob" || endpoint == "fetch_blob" || endpoint == "blob_sync";
}

std::optional<std::chrono::seconds> parse_timeout(std::string_view text) noexcept {
  constexpr std::uint64_t kLongest = 3'600;
  std::uint64_t seconds = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (wrong != std::errc{} || end != text.data() + text.size() || seconds == 0 || seconds > kLongest)
    return std::nullopt;
  return std::chrono::seconds{seconds};
}

}  // namespace spotfs::tree
