#include "fs/tree/control/lines.hpp"

#include <cstring>

#include <boost/json/serialize.hpp>

#include "client/base/base64.hpp"
#include "client/base/encoding.hpp"

namespace spotfs::tree {

void put_text(json::object& to, std::string_view name, std::string_view text) {
  if (spot::is_utf8(text)) {
    to[name] = text;
    return;
  }
  to[name] = spot::printable(text, text.size() * 4);
  to[std::string{name} + "_base64"] = spot::base64(spot::view(text));
}

std::string printable_once(std::string_view text, std::size_t limit) {
  std::string out;
  for (;;) {
    const auto escaped = text.find('\\');
    out += spot::printable(text.substr(0, escaped), limit - out.size());
    if (escaped == text.npos || out.size() >= limit) return out;
    out += '\\';
    text.remove_prefix(escaped + 1);
  }
}

std::string sentence_of(const spot::Failure& failure) {
  using spot::Errc;
  const std::string text = spot::printable(failure.text);
  if (text.empty()) return failure.code.message();
  if (failure.code.category() != spot::category()) return text;  // about() made it
  // With these a text is a sentence of ours; else it is what the other side said, or which key it was.
  for (const Errc own : {Errc::bad_argument, Errc::refused, Errc::not_found, Errc::rollback}) {
    if (failure.code == own) return text;
  }
  return failure.code.message() + ": " + text;
}

spot::Failure about(std::string_view what, std::error_code why) {
  return {std::error_code{spot::to_errno(why), std::generic_category()}, spot::printable(what) + ": " + why.message()};
}

std::string errno_name(std::error_code code) {
  const char* const name = ::strerrorname_np(spot::to_errno(code));
  return name == nullptr ? "EIO" : name;
}

json::object error_line(const spot::Failure& failure) {
  json::object out;
  out["error"] = errno_name(failure.code);
  out["text"] = sentence_of(failure);
  return out;
}

std::string to_line(const json::object& object) {
  const std::string text = json::serialize(object);
  std::string out;
  out.reserve(text.size() + 1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0;
    if (byte == 0x7F) {
      out += "\\u007f";
    } else if (byte == 0xC2 && next >= 0x80 && next < 0xA0) {
      out += next < 0x90 ? "\\u008" : "\\u009";
      out += "0123456789abcdef"[next & 0xF];
      ++i;
    } else {
      out += text[i];
    }
  }
  return out + "\n";
}

}  // namespace spotfs::tree
