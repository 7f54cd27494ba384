#include "fs/tree/blobs/versions.hpp"

#include <algorithm>

#include "client/crypto/hash.hpp"

namespace spotfs::tree {
namespace {

constexpr unsigned kKeyShift = 2, kTimeShift = 16;
constexpr std::uint64_t kKeyMask = 0x3FFF, kLongest = 0xFFFF;

std::uint64_t mark_of(std::string_view key) {
  const spot::Sha256 digest = spot::sha256(spot::view(key));
  const std::uint64_t bits = (std::uint64_t{digest[0]} << 8 | digest[1]) & kKeyMask;
  return bits == 0 ? kKeyMask : bits;
}

std::uint64_t mark_of(const Inode& inode) noexcept { return inode.flags >> kKeyShift & kKeyMask; }

// Values before it have been replaced by those who stored the version, or by what they knew.
Stamp least_before(const Stamp& version, std::uint64_t time) noexcept {
  const std::uint64_t end = version.milliseconds(), known = end - std::min(end, time);
  return std::min(version, Stamp::of(known + 1, 0, {}));
}

}  // namespace

std::uint64_t stored_at(std::string_view key, const Stamp& version, const Version& known) {
  std::uint64_t time = kLongest;
  if (known) time = version.milliseconds() - std::min(version.milliseconds(), known->milliseconds());
  return std::min(time, kLongest) << kTimeShift | mark_of(key) << kKeyShift;
}

Versions::Versions(std::string_view key, const Version& seen_here, const Inode* inode)
    : seen{seen_here}, stored{seen_here}, least{seen_here} {
  if (inode == nullptr) return;
  indexed = inode->version;
  const std::uint64_t mark = mark_of(*inode);
  if (!indexed || (mark != 0 && mark != mark_of(key))) return;
  stored = std::max(stored, indexed);
  least = std::max(least, Version{mark == 0 ? *indexed : least_before(*indexed, inode->flags >> kTimeShift)});
}

}  // namespace spotfs::tree
