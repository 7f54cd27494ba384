#include "client/net/g_dns.hpp"

#include <gtest/gtest.h>

#include "client/net/host.hpp"

namespace spot {
namespace {

std::vector<std::string> addresses(std::string_view name) {
  std::vector<std::string> out;
  for (const auto& address : g_dns_addresses(name)) out.push_back(address.to_string());
  return out;
}

using Texts = std::vector<std::string>;

const std::string kV4 = "yaaqeaq";                     // 192.1.2.2
const std::string kV6 = "eaaq3oaaaaaaaaaaaaaaaaaaae";  // 2001:db8::1

TEST(GDns, HoldsAddressesOfBothKinds) {
  EXPECT_EQ(addresses(kV4 + ".g-dns.net"), Texts{"192.1.2.2"});
  EXPECT_EQ(addresses(kV6 + ".g-dns.net"), Texts{"2001:db8::1"});
  EXPECT_EQ(addresses(kV4 + "-" + kV6 + ".g-dns.net"), (Texts{"192.1.2.2", "2001:db8::1"}));
}

TEST(GDns, IsReadInAnyCase) { EXPECT_EQ(addresses("YAAQEAQ.G-DNS.Net"), Texts{"192.1.2.2"}); }

TEST(GDns, IsNoAddressWhereNotAllOfItDecodes) {
  for (const std::string& name :
       {kV4 + "-x.g-dns.net", "-" + kV4 + ".g-dns.net", kV4 + "-.g-dns.net", kV4 + "--" + kV4 + ".g-dns.net",
        std::string{".g-dns.net"}, std::string{"g-dns.net"}, kV4 + "=.g-dns.net", kV4 + "a.g-dns.net",
        std::string{"1aaqeaq.g-dns.net"}, std::string{"yaaqear.g-dns.net"}, "www." + kV4 + ".g-dns.net"})
    EXPECT_TRUE(g_dns_addresses(name).empty()) << name;
}

TEST(GDns, IsNoAddressWhenTruncated) {
  for (const std::string& label : {kV4, kV6}) {
    for (std::size_t size = 0; size < label.size(); ++size) {
      const bool is_v4 = size == kV4.size();  // four bytes are an address
      EXPECT_EQ(g_dns_addresses(label.substr(0, size) + ".g-dns.net").size(), is_v4 ? 1U : 0U) << size;
    }
  }
}

TEST(GDns, IsOnlyBelowItsOwnSuffix) {
  for (const std::string& name :
       {kV4, kV4 + ".example.net", kV4 + ".g-dns.net.example", kV4 + ".g-dns.net.", kV4 + "xg-dns.net"})
    EXPECT_TRUE(g_dns_addresses(name).empty()) << name;
}

TEST(GDns, IsNoAddressWhereItIsLongerThanANameCanBe) {
  std::string name = kV4;
  while (name.size() + 10 + kV4.size() + 1 <= 253) name += "-" + kV4;
  EXPECT_FALSE(g_dns_addresses(name + ".g-dns.net").empty());
  EXPECT_TRUE(g_dns_addresses(name + "-" + kV4 + "-" + kV4 + ".g-dns.net").empty());
  EXPECT_TRUE(g_dns_addresses(std::string(1 << 20, 'a').append(".g-dns.net")).empty());
}

TEST(HostName, HasAPortAndBrackets) {
  EXPECT_EQ(Host::parse("a.example")->port, 443);
  EXPECT_EQ(Host::parse("a.example:8443")->port, 8443);
  EXPECT_EQ(Host::parse("[::1]:8443")->name, "::1");
  EXPECT_EQ(Host::parse("[::1]")->authority(), "[::1]");
  EXPECT_EQ(Host::parse("a:8443")->authority(), "a:8443");
}

TEST(HostName, RefusesWhatCouldEndARequestLine) {
  for (const char* text : {"", ":1", "a b", "a\r\nb", "a/b", "a?b", "a#b", "a@b", "[", "[]", "[::1", "[::1]x",
                           "[::1]:", "a:0", "a:65536", "a:+1", "a:1x", "a:-1", "\xC3\xA9"})
    EXPECT_EQ(Host::parse(text).error(), Errc::malformed) << text;
  EXPECT_FALSE(Host::parse(std::string(254, 'a')));
}

}  // namespace
}  // namespace spot
