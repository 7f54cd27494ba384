// Host names that hold their own addresses: `<base32>[-<base32>].g-dns.net` (protocol.md, section 4).
//
// Thread: pure function.
#pragma once

#include <string_view>
#include <vector>

#include <boost/asio/ip/address.hpp>

namespace spot {

// The addresses in the name; none where it is not such a name, or not all of it decodes: that one goes to DNS.
std::vector<boost::asio::ip::address> g_dns_addresses(std::string_view host);

}  // namespace spot
