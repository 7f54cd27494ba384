#include "fs/tree/control/words.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace spot::fuzz {

void decode(BytesView input) noexcept {
  const auto words = spotfs::tree::split_words(as_text(input));
  if (!words) return;
  std::string line;
  for (const std::string& word : *words) line += spotfs::tree::quoted_word(word) + " ";
  require(spotfs::tree::split_words(line).value() == *words);
}

}  // namespace spot::fuzz
