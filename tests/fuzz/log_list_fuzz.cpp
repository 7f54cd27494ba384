#include "fs/index/head.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace spot::fuzz {

void decode(BytesView input) noexcept {
  const auto list = spotfs::decode_log_list(input);
  if (list) require(equal(spotfs::encode(*list), input));
}

}  // namespace spot::fuzz
