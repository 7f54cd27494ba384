#include "client/proto/address.hpp"

#include <gtest/gtest.h>

namespace spot {
namespace {

const std::string kHash = "WbGGmxhIVIK1b5J2VvrqDQLAW1YzKAID7hIOlxQkPvA";

TEST(Address, OfAnIdentityHasItsHashAndEndpoint) {
  const Address address = Address::parse("k." + kHash + "/ping").value();
  EXPECT_EQ(address.kind, AddressKind::identity);
  EXPECT_EQ(address.target, "k." + kHash);
  EXPECT_EQ(address.endpoint, "ping");
  EXPECT_EQ(address.rest, "");
  EXPECT_EQ(identity_target(address.hash), "k." + kHash);
}

TEST(Address, OfAnIdentityIsTheSameOnAnyServer) {
  const Address address = Address::parse("k.srv-1." + kHash + "/ping").value();
  EXPECT_EQ(address.kind, AddressKind::identity);
  EXPECT_EQ(address.target, "k.srv-1." + kHash);
  EXPECT_EQ(address.canonical_target(), "k." + kHash);
}

TEST(Address, OfAGroupHasItsHash) {
  const Address address = Address::parse("g." + kHash + "/x").value();
  EXPECT_EQ(address.kind, AddressKind::group);
  EXPECT_EQ(group_target(address.hash), "g." + kHash);
}

TEST(Address, OfAConnectionNamesServerAndConnection) {
  const Address address = Address::parse("c.srv.0123/x").value();
  EXPECT_EQ(address.kind, AddressKind::connection);
  EXPECT_EQ(address.canonical_target(), "c.srv.0123");
}

TEST(Address, OfTheServerIsAnAtSign) {
  const Address address = Address::parse("@/time").value();
  EXPECT_EQ(address.kind, AddressKind::server);
  EXPECT_EQ(address.endpoint, "time");
}

TEST(Address, EndsItsEndpointAtTheSecondSlash) {
  const Address address = Address::parse("@/a/b/c").value();
  EXPECT_EQ(address.endpoint, "a");
  EXPECT_EQ(address.rest, "b/c");
}

TEST(Address, MayBeWithoutEndpoint) {
  EXPECT_EQ(Address::parse("@")->endpoint, "");
  EXPECT_EQ(Address::parse("k." + kHash)->endpoint, "");
  EXPECT_EQ(Address::parse("@//x")->endpoint, "");
}

TEST(Address, RefusesAnotherKind) {
  for (const auto* text : {"", "/", "/ep", "@x", "@@/x", "k", "k.", "x.srv.conn", "K.srv.conn", "k/x", "..", "c."})
    EXPECT_EQ(Address::parse(text).error(), Errc::malformed) << text;
}

TEST(Address, RefusesAHashOfAnotherLength) {
  EXPECT_FALSE(Address::parse("k." + kHash.substr(1)));
  EXPECT_FALSE(Address::parse("k." + kHash + "A"));
  EXPECT_FALSE(Address::parse("g."));
  for (std::size_t size = 0; size < kHash.size(); ++size) EXPECT_FALSE(Address::parse("k." + kHash.substr(0, size)));
}

// Two texts for one hash would be two names of one peer.
TEST(Address, RefusesAHashThatIsNotCanonical) {
  std::string spare_bits = kHash;
  spare_bits.back() = 'B';
  EXPECT_FALSE(Address::parse("k." + spare_bits));
  EXPECT_FALSE(Address::parse("k." + kHash + "="));
}

TEST(Address, RefusesServersThatAreNoLabels) {
  for (const auto* server : {"", "a b", "a.b", "\x7F", "\xC3\xA9", "\n"}) {
    EXPECT_FALSE(Address::parse("k." + std::string{server} + "." + kHash)) << server;
    EXPECT_FALSE(Address::parse("c." + std::string{server} + ".conn")) << server;
  }
  EXPECT_FALSE(Address::parse("c.srv."));
  EXPECT_FALSE(Address::parse("g.srv." + kHash));
}

TEST(Address, RefusesWhatIsNotUtf8) {
  EXPECT_FALSE(Address::parse("@/\xFF"));
  EXPECT_FALSE(Address::parse("@/\xED\xA0\x80"));
}

TEST(Address, HasAtMost256Bytes) {
  EXPECT_TRUE(Address::parse("@/" + std::string(254, 'x')));
  EXPECT_EQ(Address::parse("@/" + std::string(255, 'x')).error(), Errc::malformed);
}

}  // namespace
}  // namespace spot
