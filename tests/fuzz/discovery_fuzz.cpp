#include "client/net/discovery.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace spot::fuzz {

void decode(BytesView input) noexcept {
  const auto discovery = parse_discovery(as_text(input));
  if (!discovery) return;
  require(!discovery->hosts.empty() && discovery->wanted <= discovery->hosts.size());
  for (const std::string& host : discovery->hosts) require(Host::parse(host).has_value());
}

}  // namespace spot::fuzz
