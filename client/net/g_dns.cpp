#include "client/net/g_dns.hpp"

#include <algorithm>
#include <optional>
#include <string>

#include "client/base/encoding.hpp"

namespace spot {
namespace {

namespace ip = boost::asio::ip;

constexpr std::string_view kSuffix = ".g-dns.net";
constexpr std::size_t kMaxNameLength = 253;  // RFC 1035, section 2.3.4

std::optional<ip::address> decode(std::string_view text) {
  const auto bytes = from_base32(text);
  if (!bytes) return std::nullopt;
  if (bytes->size() == 4) {
    ip::address_v4::bytes_type v4;
    std::ranges::copy(*bytes, v4.begin());
    return ip::address_v4{v4};
  }
  if (bytes->size() == 16) {
    ip::address_v6::bytes_type v6;
    std::ranges::copy(*bytes, v6.begin());
    return ip::address_v6{v6};
  }
  return std::nullopt;
}

}  // namespace

std::vector<ip::address> g_dns_addresses(std::string_view host) {
  if (host.size() > kMaxNameLength) return {};
  std::string lower{host};
  std::ranges::transform(lower, lower.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; });
  if (!lower.ends_with(kSuffix)) return {};
  std::string_view rest{lower};
  rest.remove_suffix(kSuffix.size());

  std::vector<ip::address> addresses;
  for (;;) {
    const auto end = rest.find_first_of("-.");
    const auto address = decode(rest.substr(0, end));
    if (!address) return {};
    addresses.push_back(*address);
    if (end == rest.npos) return addresses;
    rest.remove_prefix(end + 1);
  }
}

}  // namespace spot
