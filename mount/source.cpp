#include "mount/source.hpp"

#include <set>

#include "client/base/encoding.hpp"
#include "client/net/host.hpp"

namespace spotfs::mount {
namespace {

using spot::Answer;
using spot::Errc;
using spot::Failure;

constexpr std::string_view kEmbedded = "embedded:";
constexpr std::string_view kRelays = "wss://";
constexpr std::string_view kDiscovery = "spot:";
constexpr std::size_t kMaxHosts = 10;  // more are not used

Failure wrong(std::string_view text, const std::string& what) {
  return {Errc::bad_argument, "source " + spot::printable(text) + ": " + what};
}

Answer<std::vector<std::string>> parse_hosts(std::string_view text) {
  std::vector<std::string> hosts;
  std::set<std::string> known;
  for (std::string_view rest = text.substr(kRelays.size());;) {
    const auto comma = rest.find(',');
    std::string_view host = rest.substr(0, comma);
    if (host.starts_with(kRelays)) host.remove_prefix(kRelays.size());
    if (host.ends_with('/')) host.remove_suffix(1);
    const auto parsed = spot::Host::parse(host);
    if (!parsed) {
      return wrong(text, "\"" + spot::printable(host) + "\" is no host: give wss://HOST[:PORT][,HOST[:PORT]…]");
    }
    if (known.insert(parsed->authority()).second) hosts.emplace_back(host);
    if (comma == rest.npos) break;
    rest.remove_prefix(comma + 1);
  }
  if (hosts.size() > kMaxHosts) {
    return wrong(text, std::to_string(hosts.size()) + " hosts: give at most " + std::to_string(kMaxHosts));
  }
  return hosts;
}

}  // namespace

Answer<Source> Source::parse(std::string_view text) {
  Source source;
  source.text = text;
  if (text.find('\0') != text.npos) return wrong(text, "has a zero byte");
  if (text.starts_with(kEmbedded)) {
    const std::string_view directory = text.substr(kEmbedded.size());
    if (directory.empty()) return wrong(text, "give the directory of the store: embedded:/var/lib/spotfs/store");
    std::error_code ec;
    source.kind = Kind::embedded;
    source.directory = std::filesystem::absolute(directory, ec).lexically_normal();
    source.text = std::string{kEmbedded}.append(source.directory.string());
    if (ec) return wrong(text, ec.message());
    return source;
  }
  if (text.starts_with(kRelays)) {
    auto hosts = parse_hosts(text);
    if (!hosts) return hosts.error();
    source.kind = Kind::relays;
    source.hosts = *std::move(hosts);
    return source;
  }
  if (text == kDiscovery) return source;
  if (text.starts_with(kDiscovery)) return wrong(text, "nothing follows spot: (relays of your own: wss://HOST)");
  return wrong(text, "give embedded:DIR, wss://HOST[:PORT][,…] or spot:");
}

}  // namespace spotfs::mount
