#include "client/proto/address.hpp"

#include <algorithm>

#include "client/base/encoding.hpp"

namespace spot {
namespace {

// Names of servers and connections: visible ASCII without '.' and '/'.
bool is_label(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7F && c != '.' && c != '/'; });
}

Result<Sha256> parse_hash(std::string_view text) {
  const auto bytes = from_base64url(text);
  Sha256 hash{};
  if (!bytes || bytes->size() != hash.size()) return fail(Errc::malformed);
  std::ranges::copy(*bytes, hash.begin());
  return hash;
}

Result<void> parse_target(Address& address) {
  const std::string_view target = address.target;
  if (target == "@") {
    address.kind = AddressKind::server;
    return {};
  }
  if (target.size() < 3 || target[1] != '.') return fail(Errc::malformed);
  std::string_view rest = target.substr(2);
  const auto dot = rest.find('.');
  const std::string_view server = dot == rest.npos ? std::string_view{} : rest.substr(0, dot);
  if (dot != rest.npos && !is_label(server)) return fail(Errc::malformed);
  const std::string_view last = dot == rest.npos ? rest : rest.substr(dot + 1);

  switch (target[0]) {
    case 'c':
      if (dot == rest.npos || !is_label(last)) return fail(Errc::malformed);
      address.kind = AddressKind::connection;
      return {};
    case 'g':
      if (dot != rest.npos) return fail(Errc::malformed);
      address.kind = AddressKind::group;
      break;
    case 'k': address.kind = AddressKind::identity; break;
    default: return fail(Errc::malformed);
  }
  const auto hash = parse_hash(last);
  if (!hash) return hash.error();
  address.hash = *hash;
  return {};
}

}  // namespace

Result<Address> Address::parse(std::string_view text) {
  if (text.size() > kMaxNameSize || !is_utf8(text)) return fail(Errc::malformed);
  Address address;
  const auto first = text.find('/');
  address.target = text.substr(0, first);
  if (first != text.npos) {
    const std::string_view after = text.substr(first + 1);
    const auto second = after.find('/');
    address.endpoint = after.substr(0, second);
    if (second != after.npos) address.rest = after.substr(second + 1);
  }
  if (const auto parsed = parse_target(address); !parsed) return parsed.error();
  return address;
}

std::string Address::canonical_target() const { return kind == AddressKind::identity ? identity_target(hash) : target; }

std::string identity_target(const Sha256& hash) { return "k." + base64url(hash); }

std::string group_target(const Sha256& hash) { return "g." + base64url(hash); }

}  // namespace spot
