#include "client/net/host.hpp"

#include <algorithm>
#include <charconv>

namespace spot {
namespace {

// Names and addresses: what DNS and URLs allow, so that nothing can slip into a request line.
bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 253 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == ':';
  });
}

Result<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (ec != std::errc{} || end != text.data() + text.size() || port == 0) return fail(Errc::malformed);
  return port;
}

}  // namespace

Result<Host> Host::parse(std::string_view text) {
  Host host;
  std::string_view port;
  bool has_port = false;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == text.npos) return fail(Errc::malformed);
    host.name = text.substr(1, end - 1);
    const std::string_view after = text.substr(end + 1);
    has_port = !after.empty();
    if (has_port && !after.starts_with(':')) return fail(Errc::malformed);
    if (has_port) port = after.substr(1);
  } else {
    const auto colon = text.find(':');
    has_port = colon != text.npos;
    host.name = text.substr(0, colon);
    if (has_port) port = text.substr(colon + 1);
  }
  if (!is_name(host.name)) return fail(Errc::malformed);
  if (has_port) {
    const auto number = parse_port(port);
    if (!number) return number.error();
    host.port = *number;
  }
  return host;
}

std::string Host::authority() const {
  std::string out = name.find(':') == name.npos ? name : "[" + name + "]";
  if (port != 443) out += ":" + std::to_string(port);
  return out;
}

}  // namespace spot
