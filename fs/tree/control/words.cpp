#include "fs/tree/control/words.hpp"

#include <algorithm>

#include "client/base/encoding.hpp"

namespace spotfs::tree {
namespace {

using spot::Answer;
using spot::Errc;
using spot::Failure;

constexpr std::string_view kHex = "0123456789abcdef";

bool is_plain(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view{"-_./+=:@,%"}.find(c) != std::string_view::npos;
}

Failure wrong(std::string text) { return {Errc::bad_argument, std::move(text)}; }

// What follows a backslash, taken off the front.
Answer<char> take_escape(std::string_view& rest) {
  const char kind = rest.empty() ? '\0' : rest.front();
  rest.remove_prefix(rest.empty() ? 0 : 1);
  if (kind == '"' || kind == '\\') return kind;
  if (kind == 'n') return '\n';
  if (kind == 'x' && rest.size() >= 2) {
    const spot::Result<spot::Bytes> byte = spot::from_hex(rest.substr(0, 2));
    if (!byte) return wrong("\\x in a quoted word needs two hex digits");
    rest.remove_prefix(2);
    return static_cast<char>(byte->front());
  }
  return wrong("a quoted word may have \\\", \\\\, \\n and \\xNN");
}

Answer<std::string> take_quoted(std::string_view& rest) {
  std::string word;
  rest.remove_prefix(1);
  while (!rest.empty()) {
    const char c = rest.front();
    rest.remove_prefix(1);
    if (c == '"') return word;
    if (c != '\\') {
      word.push_back(c);
      continue;
    }
    const Answer<char> escaped = take_escape(rest);
    if (!escaped) return escaped.error();
    word.push_back(*escaped);
  }
  return wrong("a quoted word has no end");
}

}  // namespace

std::string quoted_word(std::string_view word) {
  if (!word.empty() && std::ranges::all_of(word, is_plain)) return std::string{word};
  std::string out{'"'};
  for (const char c : word) {
    const auto byte = static_cast<unsigned char>(c);
    if (is_plain(c) || c == ' ') {
      out.push_back(c);
    } else {
      out.append("\\x").append(1, kHex[byte >> 4]).append(1, kHex[byte & 0xF]);
    }
  }
  return out + '"';
}

Answer<std::vector<std::string>> split_words(std::string_view line) {
  std::vector<std::string> words;
  for (;;) {
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    if (line.empty()) return words;
    if (line.front() == '"') {
      Answer<std::string> word = take_quoted(line);
      if (!word) return word.error();
      if (!line.empty() && line.front() != ' ') return wrong("a space must follow a quoted word");
      words.push_back(*std::move(word));
    } else {
      const std::size_t end = std::min(line.find(' '), line.size());
      words.emplace_back(line.substr(0, end));
      line.remove_prefix(end);
    }
  }
}

}  // namespace spotfs::tree
