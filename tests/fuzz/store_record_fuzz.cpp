#include "fs/index/head.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace spot::fuzz {

void decode(BytesView input) noexcept {
  const auto record = spotfs::decode_store_record(input);
  if (record) require(equal(spotfs::encode(*record), input));
}

}  // namespace spot::fuzz
