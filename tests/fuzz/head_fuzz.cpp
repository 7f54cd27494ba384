#include "fs/index/head.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace spot::fuzz {

void decode(BytesView input) noexcept {
  const auto head = spotfs::decode_head(input);
  if (head) require(equal(spotfs::encode(*head), input));
}

}  // namespace spot::fuzz
