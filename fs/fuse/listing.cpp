#include "fs/fuse/listing.hpp"

namespace spotfs::fuse {

void Listing::rewind() {
  names_.clear();
  ends_.clear();
}

std::string_view Listing::at(std::size_t index) const {
  const std::size_t start = index == 0 ? 0 : ends_[index - 1];
  return std::string_view{names_}.substr(start, ends_[index] - start);
}

std::optional<std::string> Listing::before(std::uint64_t position) const {
  if (position <= first) return std::string{};
  const std::uint64_t index = position - first - 1;
  if (index >= ends_.size()) return std::nullopt;
  return std::string{at(static_cast<std::size_t>(index))};
}

std::uint64_t Listing::after(std::uint64_t position, std::string_view name) {
  // A name that is read once more, after seekdir(), has its position already.
  const std::uint64_t index = position <= first ? 0 : position - first;
  if (index < ends_.size() && at(static_cast<std::size_t>(index)) == name) return first + index + 1;
  names_.append(name);
  ends_.push_back(names_.size());
  return first + ends_.size();
}

}  // namespace spotfs::fuse
