#include "fs/index/head.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace spot::fuzz {

void decode(BytesView input) noexcept {
  const auto writers = spotfs::decode_writers(input);
  if (!writers) return;
  require(equal(spotfs::encode(*writers), input));
  spotfs::Writers merged;
  require(merge(merged, *writers) != writers->empty());
  require(merged == *writers && !merge(merged, *writers));
}

}  // namespace spot::fuzz
