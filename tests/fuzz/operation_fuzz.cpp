#include "fs/index/op.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace spot::fuzz {

void decode(BytesView input) noexcept {
  const auto operation = spotfs::decode_operation(input);
  if (!operation) return;
  require(equal(spotfs::encode(*operation), input));
  require(!named_inodes(*operation).empty());
}

}  // namespace spot::fuzz
