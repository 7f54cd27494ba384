// The bottles and ID cards that the Go code made (tests/vectors/bottle.json).
#include <algorithm>
#include <fstream>
#include <sstream>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "client/base/encoding.hpp"
#include "client/bottle/id_card.hpp"

namespace spot {
namespace {

namespace json = boost::json;

const json::object& vectors() {
  static const json::value value = [] {
    std::stringstream text;
    text << std::ifstream{SPOT_VECTORS "/bottle.json"}.rdbuf();
    return json::parse(text.str());
  }();
  return value.get_object();
}

std::string text(const json::value& value) { return std::string{value.as_string()}; }
Bytes bytes(const json::value& value) { return from_any_base64(value.as_string()).value(); }

const json::object& key_entry(const std::string& name) { return vectors().at("keys").as_object().at(name).as_object(); }
PrivateKey key(const std::string& name) {
  return PrivateKey::parse_der(bytes(key_entry(name).at("private_der"))).value();
}
Bytes pkix(const std::string& name) { return bytes(key_entry(name).at("public_pkix")); }

Keychain keys_of(const json::value& row) {
  std::vector<PrivateKey> keys;
  for (const json::value& name : row.at("open_with").as_array()) keys.push_back(key(text(name)));
  if (keys.empty()) keys.push_back(PrivateKey::generate(KeyType::p256).value());
  return Keychain::of(std::move(keys)).value();
}

TEST(Vectors, KeysHaveTheirPublicHalvesAndAddresses) {
  for (const json::key_value_pair& row : vectors().at("keys").as_object()) {
    const PublicKey found = key(std::string{row.key()}).public_key();
    EXPECT_EQ(found.pkix(), pkix(std::string{row.key()}));
    EXPECT_EQ("k." + base64url(found.hash()), text(row.value().at("target_id")));
  }
}

TEST(Vectors, OpenGivesPayloadSignersAndDecryptions) {
  for (const json::value& row : vectors().at("open").as_array()) {
    SCOPED_TRACE(text(row.at("name")));
    const Keychain keys = keys_of(row);
    const Result<Opened> opened = open_bottle(bytes(row.at("cbor")), &keys);
    ASSERT_TRUE(opened) << opened.error().message();
    EXPECT_EQ(to_string(opened->payload), text(row.at("plaintext")));
    EXPECT_EQ(static_cast<std::int64_t>(opened->decryptions), row.at("decryption_count").as_int64());
    EXPECT_EQ(opened->signers.size(), row.at("signed_by").as_array().size());
    for (const json::value& name : row.at("signed_by").as_array())
      EXPECT_TRUE(
          std::ranges::any_of(opened->signers, [&](const PublicKey& k) { return k.pkix() == pkix(text(name)); }));
  }
}

TEST(Vectors, FailIsRefused) {
  for (const json::value& row : vectors().at("fail").as_array()) {
    SCOPED_TRACE(text(row.at("name")));
    const Keychain keys = keys_of(row);
    const Result<Opened> opened = open_bottle(bytes(row.at("cbor")), &keys);
    ASSERT_FALSE(opened);
    if (text(row.at("error")) == "no_appropriate_key") {
      EXPECT_EQ(opened.error(), Errc::not_for_us);
    }
  }
}

TEST(Vectors, IdCardsLoadAndEncodeAgainToTheSameBytes) {
  for (const json::value& row : vectors().at("idcards").as_array()) {
    SCOPED_TRACE(text(row.at("name")));
    const Bytes encoded = bytes(row.at("cbor"));
    const Result<IdCard> card = IdCard::load(encoded, 1'800'000'000);
    ASSERT_TRUE(card) << card.error().message();
    EXPECT_EQ(card->self(), pkix(text(row.at("self"))));
    EXPECT_EQ(card->address(), text(key_entry(text(row.at("self"))).at("target_id")));
    for (const json::key_value_pair& meta : row.at("meta").as_object())
      EXPECT_EQ(card->meta().at(std::string{meta.key()}), text(meta.value()));
    std::vector<std::string> purposes;
    for (const json::value& purpose : row.at("purposes").as_array()) purposes.push_back(text(purpose));
    EXPECT_EQ(card->subkeys().front().purposes, purposes);
    EXPECT_EQ(card->encode(), open_bottle(encoded, nullptr)->payload);
  }
}

TEST(Vectors, RoundTripGivesTheSameBytes) {
  for (const json::value& row : vectors().at("roundtrip").as_array()) {
    SCOPED_TRACE(text(row.at("name")));
    const Bytes encoded = bytes(row.at("cbor"));
    const Result<Bottle> bottle = decode_bottle(encoded);
    ASSERT_TRUE(bottle);
    EXPECT_EQ(encode_bottle(*bottle), encoded);
  }
}

TEST(Vectors, TruncatedAndContinuedBottlesAreRefused) {
  for (const json::value& row : vectors().at("roundtrip").as_array()) {
    Bytes encoded = bytes(row.at("cbor"));
    for (std::size_t size = 0; size < encoded.size(); ++size)
      EXPECT_FALSE(decode_bottle(BytesView{encoded}.first(size)));
    encoded.push_back(0);
    EXPECT_FALSE(decode_bottle(encoded));
  }
}

}  // namespace
}  // namespace spot
