#include "client/net/g_dns.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace spot::fuzz {

void decode(BytesView input) noexcept { require(g_dns_addresses(as_text(input)).size() <= 32); }

}  // namespace spot::fuzz
