#include "fs/index/inode.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace spot::fuzz {

// An entry of a snapshot. Defaults that are spelled out are taken, so it is the second encoding that must stay.
void decode(BytesView input) noexcept {
  cbor::Reader reader{input};
  const auto inode = spotfs::decode_inode(reader);
  if (!inode) return;
  cbor::Writer encoded;
  spotfs::encode(encoded, *inode);
  cbor::Reader again{encoded.bytes()};
  const auto second = spotfs::decode_inode(again);
  require(second.has_value() && again.at_end() && *second == *inode);
}

}  // namespace spot::fuzz
