#include "fs/index/apply.hpp"
#include "fs/index/join.hpp"
#include "fs/index/op.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/unit/index/histories.hpp"

namespace spot::fuzz {
namespace {

Bytes encode_all(const std::vector<spotfs::Operation>& operations) {
  std::vector<Bytes> encoded;
  for (const spotfs::Operation& operation : operations) encoded.push_back(spotfs::encode(operation));
  return spotfs::encode_piece(encoded);
}

}  // namespace

// A piece of another's log, and the disk that it makes.
void decode(BytesView input) noexcept {
  const auto piece = spotfs::decode_piece(input);
  if (!piece) return;
  require(equal(encode_all(*piece), input));
  spotfs::State state = spotfs::fresh_state();
  for (const spotfs::Operation& operation : *piece) spotfs::apply(state, operation);
  require(spotfs::broken(state).empty());
  // What is joined can be read again.
  const std::vector<spotfs::Operation> joined = spotfs::join(*piece);
  for (const spotfs::Operation& operation : joined)
    require(spotfs::decode_operation(spotfs::encode(operation)).has_value());
}

}  // namespace spot::fuzz
